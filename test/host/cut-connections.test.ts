import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { identify } from '@libp2p/identify'
import type { ConnectionEncrypter } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { getNetConfig } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { describe, expect, it, onTestFinished } from 'vitest'
import { BootstrapNode } from '../../src/bootstrap-node.ts'
import { testConfig } from '../support/config.ts'

const clients = 50
/** From the first byte of a client to some way behind its identify. */
const stepBytes = 60

interface Way {
  readonly address: Multiaddr
  /** Fires when the way is cut: libraries that dial wait for seconds. */
  readonly cut: AbortSignal
}

/** Carries one connection until the client has sent so many bytes, then closes both ends. */
async function wayOf(bytes: number, port: number, how: 'FIN' | 'RST'): Promise<Way> {
  const controller = new AbortController()
  const proxy = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    const end = (socket: Socket) => (how === 'RST' ? socket.resetAndDestroy() : socket.end())
    let left = bytes
    near.on('data', (chunk) => {
      far.write(chunk.subarray(0, left))
      left -= chunk.length
      if (left > 0) return
      near.destroy()
      far.write('', () => end(far))
    })
    far.on('data', (chunk) => near.write(chunk))
    near.on('error', () => {}).on('close', () => far.end())
    far
      .on('error', () => {})
      .on('close', () => {
        near.destroy()
        controller.abort()
      })
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  onTestFinished(() => void proxy.close())
  const { port: entry } = proxy.address() as AddressInfo
  return { address: multiaddr(`/ip4/127.0.0.1/tcp/${entry}`), cut: controller.signal }
}

interface ListenerInternals {
  /** Of the stock listener. */
  readonly sockets?: Set<Socket>
  /** Of the lean listener. */
  readonly handshaking?: number
}

function heldBy(node: BootstrapNode) {
  const { transportManager } = (
    node.libp2p as unknown as { components: { transportManager: { getListeners(): ListenerInternals[] } } }
  ).components
  const { connectionManager, rendezvous } = node.libp2p.services
  return {
    sockets: transportManager.getListeners().map(({ sockets, handshaking }) => sockets?.size ?? handshaking),
    connections: connectionManager.total,
    peers: connectionManager.index.connectedPeers,
    contacts: rendezvous.contacts.size
  }
}

async function dial({ address, cut }: Way, encrypter: () => ConnectionEncrypter): Promise<void> {
  const peer = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [encrypter as never],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify() }
  })
  // whoever is not cut leaves when it has been through everything
  const isOver = Promise.race(['peer:identify', 'peer:disconnect'].map(async (event) => once(peer, event)))
  const connected = await peer.dial(address, { signal: cut }).catch(() => undefined)
  if (connected !== undefined) await isOver
  await peer.stop()
}

describe.each(['lean', 'stock'])('on the %s stack', (stack) => {
  describe.each([
    ['noise', noise()],
    ['tls', tls()]
  ])('%s', (_name, encrypter) => {
    it.each(['FIN', 'RST'] as const)(
      'nothing is left of peers that leave with a %s, wherever they stop',
      async (how) => {
        const node = await BootstrapNode.create(testConfig({ CONNECTION_STACK: stack }))
        onTestFinished(() => node.close())
        const empty = heldBy(node)
        const { port } = getNetConfig(node.libp2p.getMultiaddrs()[0]!)
        const cuts = Array.from({ length: clients }, (_, i) => 1 + i * stepBytes)
        await Promise.all(cuts.map(async (bytes) => dial(await wayOf(bytes, port!, how), encrypter as never)))
        await expect.poll(() => heldBy(node), { timeout: 10_000 }).toEqual(empty)
      },
      60_000
    )
  })
})
