import type { Connection, PeerId } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { PeerMap } from '@libp2p/peer-collections'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it, vi } from 'vitest'
import { mended, newPeerId, stockNode, stockServices } from './support.ts'

const manager = 'src/admission/connection-manager.ts'

interface Internals extends ConnectionManager {
  readonly connections: PeerMap<Connection[]>
  readonly connectionPruner: { _maybePruneConnections(): Promise<void> }
}

async function managerWith(count: number, maxConnections: number, close = async () => {}): Promise<Internals> {
  const node = await stockNode({ start: false, connectionManager: { maxConnections }, services: stockServices })
  const { connectionManager } = (node as unknown as { components: { connectionManager: Internals } }).components
  for (let i = 0; i < count; i++) {
    const remotePeer: PeerId = await newPeerId()
    const connection = {
      id: String(i),
      remotePeer,
      remoteAddr: multiaddr(`/ip4/198.51.100.${i}/tcp/1`),
      status: 'open',
      direction: 'inbound',
      timeline: { open: i },
      streams: [{ protocol: '/ipfs/kad/1.0.0' }],
      close,
      abort: close
    }
    connectionManager.connections.set(remotePeer, [connection as unknown as Connection])
  }
  return connectionManager
}

it('getConnections() copies what it has for each peer: the square of the connections', async () => {
  const count = 50
  const connectionManager = await managerWith(count, 300)
  let copied = 0
  const concat = Array.prototype.concat
  const spy = vi.spyOn(Array.prototype, 'concat').mockImplementation(function (this: unknown[], ...more) {
    const result = concat.apply(this, more)
    copied += result.length
    return result
  })
  const found = connectionManager.getConnections()
  spy.mockRestore()
  expect(found).toHaveLength(count)
  const news = mended(
    'libp2p',
    'getConnections() is linear',
    `getConnections in ${manager} (who asks for all still should not)`
  )
  expect(copied, news).toBe((count * (count + 1)) / 2)
})

it('the pruner spares whoever has a stream, however many there are', async () => {
  const closed = vi.fn(async () => {})
  const { connectionPruner } = await managerWith(20, 5, closed)
  await connectionPruner._maybePruneConnections()
  expect(closed, mended('libp2p', 'its pruner closes connections with streams', manager)).not.toHaveBeenCalled()
})
