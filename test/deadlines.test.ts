import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { Deadlines } from '../src/deadlines.ts'
import { SimulatedClock } from './support/clock.ts'

let clock: SimulatedClock
let due: string[]
let deadlines: Deadlines<string>
beforeEach(() => {
  clock = new SimulatedClock()
  due = []
  deadlines = new Deadlines(clock, 10_000, (item) => void due.push(item))
})

describe('deadlines', () => {
  it('are due in the order in which they were set or moved, one tick late at most', () => {
    deadlines.set('a')
    deadlines.set('b')
    clock.advance(500)
    deadlines.set('c')
    deadlines.set('a')
    clock.advance(9_499)
    expect(due).toEqual([])
    clock.advance(1)
    expect(due).toEqual(['b'])
    clock.advance(1_500)
    expect(due).toEqual(['b', 'c', 'a'])
  })

  it('are moved by a touch, a quarter of a tick after the last', () => {
    deadlines.touch('a')
    clock.advance(250)
    deadlines.touch('a')
    clock.advance(9_750)
    expect(due).toEqual([])
    clock.advance(1_000)
    expect(due).toEqual(['a'])
  })

  it('a touch that moved nothing does not make them later', () => {
    deadlines.touch('a')
    clock.advance(249)
    deadlines.touch('a')
    clock.advance(9_751)
    expect(due).toEqual(['a'])
  })

  it('have one timer, and none while there is nothing to wait for', () => {
    for (const item of ['a', 'b', 'c']) deadlines.set(item)
    expect([clock.pending, deadlines.size]).toEqual([1, 3])
    clock.advance(3_000)
    for (const item of ['a', 'b', 'c']) deadlines.drop(item)
    expect([clock.pending, deadlines.size]).toEqual([0, 0])
    deadlines.set('d')
    expect(clock.pending).toBe(1)
    clock.advance(11_000)
    expect([due, clock.pending]).toEqual([['d'], 0])
    deadlines.set('e')
    deadlines.clear()
    expect([deadlines.size, clock.pending]).toEqual([0, 0])
  })

  it('are not due while what came during a standstill of the process is unread', () => {
    const late: Array<() => void> = []
    const standing = {
      now: () => clock.now(),
      after(_ms: number, fn: () => void) {
        late.push(fn)
        return () => {}
      }
    }
    const watched = new Deadlines<string>(standing, 10_000, (item) => void due.push(item))
    watched.set('answers')
    watched.set('is silent')
    clock.advance(30_000)
    late.pop()?.()
    expect(due).toEqual([])
    watched.drop('answers')
    // late again, but not for ever
    clock.advance(30_000)
    late.pop()?.()
    expect(due).toEqual(['is silent'])
  })

  it('may be set, dropped and cleared while one is due', () => {
    const chain = new Deadlines<number>(clock, 2_000, (item) => {
      due.push(String(item))
      chain.drop(item + 1)
      if (item < 10) chain.set(item + 10)
    })
    for (const item of [1, 2, 3]) chain.set(item)
    clock.advance(2_000)
    expect([due, chain.size, clock.pending]).toEqual([['1', '3'], 2, 1])
    clock.advance(3_000)
    expect([due, chain.size, clock.pending]).toEqual([['1', '3', '11', '13'], 0, 0])
  })

  it('are the same as one timer for each item, but for the tick', () => {
    const step = fc.record({ item: fc.constantFrom('a', 'b', 'c', 'd'), set: fc.boolean(), passMs: fc.nat(4_000) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const time = new SimulatedClock()
        const since = new Map<string, number>()
        const list = new Deadlines<string>(time, 5_000, (item) => {
          const late = time.now() - (since.get(item) ?? Number.NaN) - 5_000
          expect(late).toBeGreaterThanOrEqual(0)
          expect(late).toBeLessThan(1_000)
          since.delete(item)
        })
        for (const { item, set, passMs } of steps) {
          if (set) {
            list.set(item)
            since.set(item, time.now())
          } else {
            list.drop(item)
            since.delete(item)
          }
          time.advance(passMs)
          expect(list.size).toBe(since.size)
        }
        time.advance(6_000)
        expect([since.size, list.size, time.pending]).toEqual([0, 0, 0])
      })
    )
  })
})
