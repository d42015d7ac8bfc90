import type { Connection, PrivateKey, Stream, Upgrader } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { type LeanBench, newKey, nodeId } from './bench.ts'

export type Security = 'noise' | 'tls'

interface ClientOptions {
  readonly security?: Security
  readonly key?: PrivateKey
  /** Whether the muxer is agreed on within the security handshake. */
  readonly early?: boolean
}

const started: Libp2p[] = []

/** js-libp2p as it comes, without services. */
export async function stockClient(options: ClientOptions = {}): Promise<Libp2p> {
  const { security = 'noise', key = await newKey(), early = true } = options
  const make = security === 'tls' ? tls() : noise()
  const node = await createLibp2p({
    privateKey: key,
    transports: [tcp()],
    streamMuxers: [yamux()],
    connectionEncrypters: [
      (components) => {
        if (early) return make(components)
        const { peerId, privateKey, logger } = components
        const upgrader = { getStreamMuxers: () => new Map() } as unknown as Upgrader
        return make({ peerId, privateKey, logger, upgrader })
      }
    ]
  })
  started.push(node)
  return node
}

/** The two ends of a connection. */
export async function dial(bench: LeanBench, options?: ClientOptions) {
  const node = await stockClient(options)
  const before = bench.opened.length
  const there: Connection = await node.dial(multiaddr(`${bench.address}/p2p/${nodeId}`))
  return { node, there, here: await bench.connection(before) }
}

/** Sends back what comes, no faster than it is read. */
export function echo(stream: Stream): void {
  stream.addEventListener('message', ({ data }) => {
    // a stream whose other side has ended is neither paused nor resumed: both throw
    if (stream.send(data) || stream.readStatus !== 'readable') return
    stream.pause()
    const resume = () => stream.readStatus === 'paused' && stream.resume()
    stream.addEventListener('drain', resume, { once: true })
  })
  stream.addEventListener('end', () => void stream.close().catch(() => {}))
}

/** Sends all, ends its side, and reads until the other has ended its own. */
export async function exchange(stream: Stream, bytes: Buffer): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  const ended = new Promise((resolve) => stream.addEventListener('end', resolve))
  stream.addEventListener('message', ({ data }) => chunks.push(data.subarray()))
  stream.send(bytes)
  await stream.close()
  await ended
  return Buffer.concat(chunks)
}

/** For `afterEach`. */
export async function stopClients(): Promise<void> {
  for (const node of started.splice(0)) await node.stop()
}
