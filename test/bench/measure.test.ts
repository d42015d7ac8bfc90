import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { median, mediansOf } from '../../bench/measure.ts'

describe('median', () => {
  it('is the one in the middle, or between the two', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([4, 1, 3, 100])).toBe(3.5)
  })

  it('has as many values below as above', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const middle = median(values)
        const below = values.filter((value) => value < middle).length
        const above = values.filter((value) => value > middle).length
        expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2)
      })
    )
  })

  it('of nothing is an error, not a figure', () => {
    expect(() => median([])).toThrow(RangeError)
  })
})

it('takes the median of each figure over the runs that have it', () => {
  expect(mediansOf([{ join: 3, rss: 10 }, { join: 1 }, { join: 2 }])).toEqual({ join: 2, rss: 10 })
})
