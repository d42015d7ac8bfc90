import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conformance, securities } from './harness/conformance.ts'
import { goBinaries } from './harness/go.ts'
import { stand } from './harness/standing.ts'
import { startTarget, type Target } from './harness/target.ts'

const SECONDS = 60
const CLIENTS = 80 // of each security
const RATE = 160 // requests a second, of each security

// both take a minute: each with a node of its own, at the same time
describe.concurrent('go-libp2p clients that are idle', () => {
  let target: Target

  beforeAll(async () => {
    await goBinaries()
    target = await startTarget()
  })

  afterAll(() => target?.stop())

  test.for(securities)('keep connection and kad stream over %s', async (security) => {
    const facts = await conformance('idle', target, security, ['-idle', '65s', '-stream-idle', '57s'])
    expect(facts.abandoned_stream).toMatch(/^(open|closed|reset)$/)
    if (target.kind === 'ours') {
      // Go's own server resets such a stream after a minute; the next request of its client then fails once
      expect(facts.abandoned_stream).not.toBe('reset')
    }
  })
})

describe.concurrent('160 go-libp2p clients that search', () => {
  let target: Target

  beforeAll(async () => {
    await goBinaries()
    target = await startTarget({ LOG_LEVEL: 'info' })
  })

  afterAll(() => target?.stop())

  test('get every answer, 320 a second for a minute, and keep their connections', async () => {
    const flags = ['-clients', `${CLIENTS}`, '-batch', '8', '-keys', '6', '-rate', `${RATE}`, '-for', `${SECONDS}s`]
    const groups = await Promise.all(securities.map((security) => stand('load', target, security, flags)))
    try {
      const found = await Promise.all(groups.map((group) => group.ended()))
      for (const [i, facts] of found.entries()) {
        console.info(
          `load over ${securities[i]}: p50 ${facts.p50_ms} ms, p99 ${facts.p99_ms} ms, max ${facts.max_ms} ms`
        )
        expect(facts).toMatchObject({ errors: 0, disconnected: 0 })
        expect(facts.requests).toBeGreaterThanOrEqual(RATE * SECONDS * 0.95)
        expect(facts.p99_ms).toBeLessThan(1000)
      }
    } finally {
      await Promise.all(groups.map((group) => group.kill()))
    }
  })
})
