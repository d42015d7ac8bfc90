import { expect, it } from 'vitest'
import { HandshakePace, leastPerTurn, mostPerTurn } from '../../../src/connection/lean/handshake-pace.ts'
import { SimulatedClock } from '../../support/clock.ts'

it('lets fewer handshakes go on after a long turn, and never none', () => {
  const clock = new SimulatedClock()
  const pace = new HandshakePace(clock)
  expect(pace.next()).toBe(leastPerTurn)
  const after = (ms: number) => {
    clock.advance(ms)
    return pace.next()
  }
  expect([after(1), after(10), after(20), after(30), after(1_000), after(5)]).toEqual([
    mostPerTurn,
    mostPerTurn,
    8,
    5,
    leastPerTurn,
    mostPerTurn
  ])
})
