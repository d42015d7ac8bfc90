import { expect, it } from 'vitest'
import { ReservePace, reserveEveryMs, reservesAtOnce } from '../../../src/host/relay/reserve-pace.ts'
import { SimulatedClock } from '../../support/clock.ts'

it('allows some at once and one every 10 s, for each connection alone', () => {
  const clock = new SimulatedClock()
  const pace = new ReservePace(clock)
  const [one, other] = [{}, {}]
  const allowed = (peer: object) => Array.from({ length: 20 }, () => pace.allows(peer)).filter(Boolean).length
  expect([allowed(one), allowed(one), allowed(other)]).toEqual([reservesAtOnce, 0, reservesAtOnce])
  clock.advance(2 * reserveEveryMs)
  expect(allowed(one)).toBe(2)
  clock.advance(3_600_000)
  expect(allowed(one)).toBe(reservesAtOnce)
})
