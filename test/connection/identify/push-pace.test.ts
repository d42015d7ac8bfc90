import { expect, it } from 'vitest'
import { PushPace, pushesAtOnce } from '../../../src/connection/identify/push-pace.ts'
import { SimulatedClock } from '../../support/clock.ts'

it('allows some pushes at once and one a second, for each connection alone, and forgets who has left', () => {
  const clock = new SimulatedClock()
  const pace = new PushPace<object>(clock)
  const [one, other] = [{}, {}]
  const allowed = (connection: object) =>
    Array.from({ length: 100 }, () => pace.allows(connection)).filter(Boolean).length
  expect([allowed(one), allowed(one), allowed(other)]).toEqual([pushesAtOnce, 0, pushesAtOnce])
  clock.advance(3_000)
  expect(allowed(one)).toBe(3)
  clock.advance(3_600_000)
  expect(allowed(one)).toBe(pushesAtOnce)
  pace.forget(one)
  expect(pace.size).toBe(1)
})
