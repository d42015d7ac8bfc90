import { expect, it } from 'vitest'
import { watchWallTime } from '../src/clock.ts'
import { SimulatedClock } from './support/clock.ts'

const hourMs = 3_600_000

it('the clock of the machine is seen to be set, forward and back, and slow drift is not', () => {
  const clock = new SimulatedClock()
  const set: number[] = []
  let aheadMs = 0
  const end = watchWallTime(
    clock,
    (byMs) => void set.push(Math.round(byMs)),
    () => clock.now() + aheadMs
  )
  clock.advance(100 * hourMs)
  aheadMs += 30_000
  clock.advance(hourMs)
  expect(set).toEqual([])
  aheadMs += hourMs
  clock.advance(10_000)
  aheadMs -= 10 * 365 * 24 * hourMs
  clock.advance(hourMs)
  expect(set).toEqual([hourMs + 30_000, -10 * 365 * 24 * hourMs])
  end()
  expect(clock.pending).toBe(0)
})
