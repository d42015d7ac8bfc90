import { expect, it } from 'vitest'
import { beginnings, HandshakePace, heavyParts } from '../../../src/connection/lean/handshake-pace.ts'
import { SimulatedClock } from '../../support/clock.ts'

it.each([
  ['begin', beginnings, [64, 64, 32, 21, 16, 64]],
  ['go on', heavyParts, [16, 16, 8, 5, 4, 16]]
] as const)('lets fewer handshakes %s after a long turn, and never none', (_what, share, expected) => {
  const clock = new SimulatedClock()
  const pace = new HandshakePace(clock, share)
  expect(pace.next()).toBe(share.least)
  const after = (ms: number) => {
    clock.advance(ms)
    return pace.next()
  }
  expect([after(1), after(10), after(20), after(30), after(1_000), after(5)]).toEqual(expected)
})
