import { expect, it } from 'vitest'
import { CurrentCredentials, renewAfterMs } from '../../../src/connection/lean/credentials.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { nodeKey } from './bench.ts'

it('credentials are of the day; nobody waits for the next', async () => {
  const clock = new SimulatedClock()
  const current = await CurrentCredentials.create(nodeKey, clock)
  const first = current.get()
  clock.advance(renewAfterMs - 1)
  expect(current.get()).toBe(first)
  clock.advance(1)
  expect(current.get()).toBe(first)
  await expect.poll(() => current.get()).not.toBe(first)
  const second = current.get()
  expect([second.noise === first.noise, second.tls === first.tls]).toEqual([false, false])
})
