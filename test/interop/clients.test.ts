import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conformance, offers, securities } from './harness/conformance.ts'
import { goBinaries } from './harness/go.ts'
import { startTarget, type Target } from './harness/target.ts'

describe('go-libp2p clients that join', () => {
  let target: Target

  beforeAll(async () => {
    await goBinaries()
    target = await startTarget()
  })

  afterAll(() => target?.stop())

  test.concurrent.for(offers)(
    'get the security that they prefer, an early muxer and pings, offering %s',
    async (offer) => {
      const facts = await conformance('handshake', target, offer)
      expect(facts.early_muxer).toBe(true)
    }
  )

  test.concurrent.for(offers)('hold the node in their routing table within 2 s, offering %s', async (offer) => {
    const facts = await conformance('table', target, offer)
    expect(facts.entry_after_ms).toBeLessThan(2000)
  })
})

describe.each(securities)('go-libp2p clients over %s', (security) => {
  let target: Target

  beforeAll(async () => {
    await goBinaries()
    target = await startTarget()
  })

  afterAll(() => target?.stop())

  test.concurrent('read the protocols that they need, and no others, from identify', async () => {
    const facts = await conformance('protocols', target, security)
    expect(facts.protocols).toContain('/ipfs/kad/1.0.0')
  })

  test.concurrent('read the listen address from identify', async () => {
    const facts = await conformance('announce', target, security)
    expect(facts.listen_addresses).toContainEqual(expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/))
  })

  test.concurrent('meet at a rendezvous, dial each other directly and exchange a message', async () => {
    const facts = await conformance('rendezvous', target, security)
    expect(facts.found_after_ms).toBeLessThan(5000)
    expect(facts.message_after_ms).toBeLessThan(10_000)
  })

  test.concurrent('meet through the discovery of their gossipsub', async () => {
    const facts = await conformance('discovery', target, security)
    expect(facts.message_after_ms).toBeLessThan(10_000)
  })

  test.concurrent('get private addresses back unfiltered', async () => {
    const facts = await conformance('addresses', target, security)
    for (const rpc of ['GET_PROVIDERS', 'FIND_NODE']) {
      expect(facts[rpc]).toEqual(
        expect.arrayContaining([
          '/ip4/10.1.2.3/tcp/4001',
          '/ip4/100.64.5.6/tcp/4001',
          '/ip4/192.168.7.8/tcp/4001',
          '/ip4/127.0.0.9/tcp/4001'
        ])
      )
    }
  })

  test.concurrent('move to another address by identify-push', async () => {
    const facts = await conformance('push', target, security)
    expect(facts.FIND_NODE).toEqual(['/ip4/10.0.0.2/tcp/4001'])
    expect(facts.GET_PROVIDERS).toContain('/ip4/10.0.0.3/tcp/4001')
  })

  test.concurrent('keep their stream after addresses and keys that the node does not know', async () => {
    const facts = await conformance('records', target, security)
    expect(facts.addresses).toContain('/ip4/127.0.0.1/tcp/4001')
  })
})
