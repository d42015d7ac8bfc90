import { expect, it } from 'vitest'
import { CurrentCredentials, renewAfterMs } from '../../../src/connection/lean/credentials.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { nodeKey } from './bench.ts'

it('credentials are of the day; nobody waits for the next', async () => {
  const clock = new SimulatedClock()
  const current = await CurrentCredentials.create(nodeKey, clock, () => clock.now())
  const first = current.get()
  clock.advance(renewAfterMs - 1)
  expect(current.get()).toBe(first)
  clock.advance(1)
  expect(current.get()).toBe(first)
  await expect.poll(() => current.get()).not.toBe(first)
  const second = current.get()
  expect([second.noise === first.noise, second.tls === first.tls]).toEqual([false, false])
})

it('credentials that a clock made which was ahead are replaced once it is set back: others find them not valid yet', async () => {
  const clock = new SimulatedClock()
  let aheadMs = 10 * 365 * 86_400_000
  const current = await CurrentCredentials.create(nodeKey, clock, () => clock.now() + aheadMs)
  const first = current.get()
  aheadMs += 86_400_000
  expect(current.get()).toBe(first)
  aheadMs = 0
  expect(current.get()).toBe(first)
  await expect.poll(() => current.get()).not.toBe(first)
  const second = current.get()
  await new Promise((resolve) => setImmediate(resolve))
  expect(current.get()).toBe(second)
})
