import { expect, it } from 'vitest'
import { type Phase, probeValidMs, ReadinessProbe } from '../../../src/observe/admin/health.ts'
import { SimulatedClock } from '../../support/clock.ts'

function setUp(probe: () => Promise<string>) {
  const clock = new SimulatedClock()
  const state: { phase: Phase; probes: number } = { phase: 'running', probes: 0 }
  const counted = () => {
    state.probes++
    return probe()
  }
  return { clock, state, readiness: new ReadinessProbe(clock, () => state.phase, counted) }
}

it('is ready when the node answers', async () => {
  const { readiness } = setUp(async () => 'it answered')
  const { ready, checks } = await readiness.read()
  expect(ready).toBe(true)
  expect(checks.map(({ detail }) => detail)).toEqual(['the node is running', 'it answered'])
})

it.each(['starting', 'stopping'] as const)('is not ready while %s, and does not dial', async (phase) => {
  const { readiness, state } = setUp(async () => 'it answered')
  state.phase = phase
  const { ready, checks } = await readiness.read()
  expect(ready).toBe(false)
  expect(checks).toEqual([{ name: 'listening', ok: false, detail: `the node is ${phase}` }])
  expect(state.probes).toBe(0)
})

it('says why the node does not answer', async () => {
  const { readiness } = setUp(async () => {
    throw new Error('connection refused')
  })
  const { ready, checks } = await readiness.read()
  expect(ready).toBe(false)
  expect(checks[1]).toEqual({ name: 'find-node', ok: false, detail: 'connection refused' })
})

it('dials once for all who ask within 5 s', async () => {
  const { readiness, state, clock } = setUp(async () => 'it answered')
  await Promise.all(Array.from({ length: 100 }, () => readiness.read()))
  clock.advance(probeValidMs - 1)
  await readiness.read()
  expect(state.probes).toBe(1)
  clock.advance(1)
  await readiness.read()
  expect(state.probes).toBe(2)
})
