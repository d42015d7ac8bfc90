import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { History, type Point, Ring } from '../../../src/observe/status-page/history.ts'
import { seriesNames } from '../../../src/observe/status-page/report.ts'

const point = (value: number | null): Point =>
  Object.fromEntries(seriesNames.map((name) => [name, value])) as unknown as Point

describe('a ring', () => {
  it('holds the last points and no more, however many come', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 60 }), (capacity, pushed) => {
        const ring = new Ring(10, capacity)
        const { bytes } = ring
        for (let i = 1; i <= pushed; i++) ring.push(i, point(i))
        const expected = Array.from({ length: pushed }, (_, i) => i + 1).slice(-capacity)
        expect(ring.since(0).times).toEqual(expected)
        expect(ring.since(0).series.rpcs).toEqual(expected)
        expect([ring.length, ring.bytes]).toEqual([expected.length, bytes])
      })
    )
  })

  it('tells nothing from zero', () => {
    const ring = new Ring(10, 3)
    ring.push(1, point(null))
    ring.push(2, point(0))
    expect(ring.since(0).series.rpcP99).toEqual([null, 0])
  })
})

describe('the history', () => {
  const filled = (seconds: number, value: (i: number) => number | null) => {
    const history = new History(10)
    for (let i = 0; i < seconds / 10; i++) history.push((i + 1) * 10, point(value(i)))
    return history
  }

  it('has an hour in steps of 10 s and a day in minutes, in 115 KB', () => {
    const seconds = 30 * 3_600
    const history = filled(seconds, () => 1)
    expect(history.last(1, seconds)).toMatchObject({ stepSeconds: 10, times: { length: 360 } })
    expect(history.last(0.5, seconds).times).toHaveLength(180)
    expect(history.last(24, seconds)).toMatchObject({ stepSeconds: 60, times: { length: 1_440 } })
    expect(history.last(6, seconds).times).toHaveLength(360)
    expect(history.bytes).toBe(115_200)
  })

  it('keeps the mean of a minute, and the worst of what clients wait for', () => {
    const { series } = filled(60, (i) => (i === 5 ? 7 : 1)).last(6, 60)
    expect(series.connections).toEqual([2])
    expect(series.rpcP99).toEqual([7])
    expect(series.eventLoop).toEqual([7])
  })

  it('takes what is not known for nothing', () => {
    expect(filled(60, (i) => (i < 3 ? null : 4)).last(6, 60).series.rpcs).toEqual([4])
    expect(filled(60, () => null).last(6, 60).series.rpcs).toEqual([null])
  })
})
