import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { securities } from './harness/conformance.ts'
import { type StockPeer, startStockPeer } from './harness/stock-peer.ts'
import { startTarget, type Target } from './harness/target.ts'

describe.each(securities)('stock js-libp2p peers over %s', (security) => {
  let target: Target
  let peer: StockPeer
  let other: StockPeer

  beforeAll(async () => {
    target = await startTarget()
    peer = await startStockPeer(security)
    other = await startStockPeer(security)
  })

  afterAll(async () => {
    await Promise.all([peer?.stop(), other?.stop()])
    await target?.stop()
  })

  test('connect, identify the node, ping it, and find each other by FIND_NODE', async () => {
    const protocols = await peer.connect(target.addr)
    expect(protocols).toEqual(expect.arrayContaining(['/ipfs/kad/1.0.0', '/ipfs/id/1.0.0', '/ipfs/ping/1.0.0']))
    expect(await peer.ping(target.addr)).toBeLessThan(5000)

    await other.connect(target.addr)
    // the node identifies the newcomer on a stream of its own: it may answer a moment before it knows the addresses
    await expect
      .poll(async () => addressesOf(other, await peer.findNode(target.addr, other.id.toMultihash().bytes)), {
        timeout: 5000,
        message: 'FIND_NODE lists the other peer with an address'
      })
      .toBeGreaterThan(0)
  })
})

function addressesOf(peer: StockPeer, list: Awaited<ReturnType<StockPeer['findNode']>>): number {
  const id = Buffer.from(peer.id.toMultihash().bytes)
  return list.find((close) => id.equals(close.id))?.addresses.length ?? 0
}
