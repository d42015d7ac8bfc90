import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conformance, securities } from './harness/conformance.ts'
import { goBinaries } from './harness/go.ts'
import { type Standing, stand } from './harness/standing.ts'
import { startTarget, type Target, targetKind } from './harness/target.ts'

const HONEST = 10 // of each security
const POLLS = 2 // a second, of each client
/** A handshake may take 15 s at most; the rest is for a busy machine. */
const ENDED_WITHIN_MS = 20_000
/** rendezvous/service.ts */
const KAD_STREAMS = 32

describe('go-libp2p clients that misbehave', () => {
  let target: Target
  let honest: readonly Standing[] = []

  beforeAll(async () => {
    await goBinaries()
    target = await startTarget({ LOG_LEVEL: 'info' })
    const flags = ['-clients', `${HONEST}`, '-rate', `${HONEST * POLLS}`, '-keys', '1', '-for', '2m']
    honest = await Promise.all(securities.map((security) => stand('load', target, security, flags)))
  })

  afterAll(async () => {
    await Promise.all(honest.map((clients) => clients.kill()))
    await target?.stop()
  })

  test.concurrent.for(securities)(
    'are cut off wherever they fall silent on the way to a stream, over %s',
    async (security) => {
      const { ended_after_ms: ended } = await conformance('hostile-handshake', target, security)
      expect(Object.keys(ended as object)).toHaveLength(6)
      for (const [phase, afterMs] of Object.entries(ended as object)) {
        expect(afterMs, phase).toBeLessThan(ENDED_WITHIN_MS)
      }
    }
  )

  test.concurrent.for(securities)('are read no further while they read no answers, over %s', async (security) => {
    const facts = await conformance('hostile-pipeline', target, security)
    expect(facts.stopped).toBe(true)
  })

  // the floods one after the other: those who make them take more of a small machine than the node does
  test.for(securities)('have few of 10,000 streams served at once, over %s', async (security) => {
    const facts = await conformance('hostile-streams', target, security)
    expect(facts.answered).toBeGreaterThan(0)
    // Go's own limits are off in the network's service
    if (targetKind === 'ours') {
      expect(facts.answered).toBeLessThanOrEqual(KAD_STREAMS)
    }
  })

  test.for(securities)('subscribe to 100,000 topics for nothing, over %s', async (security) => {
    const facts = await conformance('hostile-subscriptions', target, security)
    // Go reads them all; ours hangs up after a MiB that nobody listens to
    if (targetKind === 'ours') expect(facts.ended_by).toContain('reset')
    else expect(facts.topics).toBe(100_000)
  })

  test('cost the honest ones no answer and no connection', async () => {
    const found = await Promise.all(honest.map((clients) => clients.finish()))
    for (const [i, facts] of found.entries()) {
      console.info(
        `honest over ${securities[i]}: p50 ${facts.p50_ms} ms, p99 ${facts.p99_ms} ms, max ${facts.max_ms} ms`
      )
      expect(facts).toMatchObject({ errors: 0, disconnected: 0 })
      expect(facts.p99_ms).toBeLessThan(1000)
    }
  })
})
