import { expect, it } from 'vitest'
import { LastReach } from '../../../src/observe/status-page/reach.ts'
import { SimulatedClock } from '../../support/clock.ts'

function setUp() {
  const clock = new SimulatedClock()
  const node = { answers: true, probes: 0 }
  const read = async () => {
    node.probes++
    const detail = node.answers ? 'it answered' : 'connection refused'
    return { ready: node.answers, checks: [{ name: 'find-node', ok: node.answers, detail }] }
  }
  return { clock, node, reach: new LastReach({ read }, clock) }
}

it('probes once in 30 s while the node answers', async () => {
  const { clock, node, reach } = setUp()
  await Promise.all([reach.read(), reach.read()])
  clock.advance(29_999)
  expect(await reach.read()).toEqual({ ok: true, detail: 'it answered' })
  expect(node.probes).toBe(1)
})

it('gives what it knows while it asks anew', async () => {
  const { clock, node, reach } = setUp()
  await reach.read()
  node.answers = false
  clock.advance(30_000)
  expect((await reach.read()).ok).toBe(true)
  await new Promise(setImmediate)
  expect(await reach.read()).toEqual({ ok: false, detail: 'connection refused' })
})

it('asks each time while the node does not answer', async () => {
  const { node, reach } = setUp()
  node.answers = false
  expect((await reach.read()).ok).toBe(false)
  node.answers = true
  expect((await reach.read()).ok).toBe(true)
})
