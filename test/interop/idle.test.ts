import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conformance, securities } from './harness/conformance.ts'
import { goBinaries } from './harness/go.ts'
import { startTarget, type Target } from './harness/target.ts'

describe('go-libp2p clients that are idle', () => {
  let target: Target

  beforeAll(async () => {
    await goBinaries()
    target = await startTarget()
  })

  afterAll(() => target?.stop())

  test.concurrent.for(securities)('keep connection and kad stream over %s', async (security) => {
    const facts = await conformance('idle', target, security, ['-idle', '65s', '-stream-idle', '57s'])
    expect(facts.abandoned_stream).toMatch(/^(open|closed|reset)$/)
    if (target.kind === 'ours') {
      // Go's own server resets such a stream after a minute; the next request of its client then fails once
      expect(facts.abandoned_stream).not.toBe('reset')
    }
  })
})
