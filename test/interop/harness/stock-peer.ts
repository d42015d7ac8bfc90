import 'core-js/proposals/promise-with-resolvers.js'
import { identify } from '@libp2p/identify'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Security } from './conformance.ts'
import { type ClosePeer, decodeFindNode, encodeFindNode, takeFrame } from './kad-wire.ts'

const LIMIT_MS = 10_000

export interface StockPeer {
  readonly id: PeerId
  /** Dials the node and gives the protocols that its identify listed. */
  connect(addr: string): Promise<readonly string[]>
  /** The round trip in milliseconds. */
  ping(addr: string): Promise<number>
  /** FIND_NODE as raw bytes on a kad stream of its own. */
  findNode(addr: string, key: Uint8Array): Promise<readonly ClosePeer[]>
  stop(): Promise<void>
}

/** A node of js-libp2p as it comes: TCP, one security, yamux, identify, ping. */
export async function startStockPeer(security: Security): Promise<StockPeer> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [security === 'tls' ? tls() : noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping() }
  })
  const connected = (addr: string): Promise<Connection> => node.dial(multiaddr(addr), limit())
  return {
    id: node.peerId,
    connect: async (addr) => {
      const identified = new Promise<readonly string[]>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`identify: not within ${LIMIT_MS} ms`)), LIMIT_MS)
        node.addEventListener(
          'peer:identify',
          (event) => {
            clearTimeout(timer)
            resolve(event.detail.protocols)
          },
          { once: true }
        )
      })
      const [protocols] = await Promise.all([identified, connected(addr)])
      return protocols
    },
    ping: (addr) => node.services.ping.ping(multiaddr(addr), limit()),
    findNode: async (addr, key) => {
      const connection = await connected(addr)
      const stream = await connection.newStream('/ipfs/kad/1.0.0', limit())
      try {
        return decodeFindNode(await exchange(stream, encodeFindNode(key)))
      } finally {
        await stream.close(limit())
      }
    },
    stop: async () => {
      await node.stop()
    }
  }
}

/** Sends a frame and waits for one. */
async function exchange(stream: Stream, frame: Uint8Array): Promise<Uint8Array> {
  const timer = setTimeout(() => stream.abort(new Error(`no answer within ${LIMIT_MS} ms`)), LIMIT_MS)
  let received = Buffer.alloc(0)
  try {
    stream.send(frame)
    for await (const chunk of stream) {
      received = Buffer.concat([received, chunk.subarray()])
      const message = takeFrame(received)
      if (message !== undefined) {
        return message
      }
    }
  } finally {
    clearTimeout(timer)
  }
  throw new Error(`the stream ended after ${received.length} bytes of an answer`)
}

function limit(): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(LIMIT_MS) }
}
