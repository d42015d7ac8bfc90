import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conformance, securities } from './harness/conformance.ts'
import { goBinaries } from './harness/go.ts'
import { startTarget, type Target } from './harness/target.ts'

describe.each(securities)('the relay, for go-libp2p clients over %s', (security) => {
  let target: Target

  beforeAll(async () => {
    await goBinaries()
    target = await startTarget()
  })

  afterAll(() => target?.stop())

  test('an AutoRelay client reserves, is reached over the circuit, and its place is free when it leaves', async () => {
    const facts = await conformance('relay', target, security)
    expect(facts).toMatchObject({ limit_duration_s: 120, limit_data: 131_072, circuit_limit_duration_s: 120 })
  })

  test('the ninth reservation from one address is refused, until one of the eight leaves', async () => {
    const facts = await conformance('relay-refused', target, security)
    expect(facts.refused_at).toBe(9)
  })

  test('a circuit ends at its data limit', async () => {
    const facts = await conformance('relay-data', target, security)
    expect(facts.received).toBeGreaterThanOrEqual(65_536)
    expect(facts.received).toBeLessThanOrEqual(131_072)
  })
})
