import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { topOf } from '../../../src/observe/status-page/top.ts'

const own = (value: number) => value

it('finds the heaviest, and the weight of all others', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(50), { maxLength: 300 }),
      fc.integer({ min: 1, max: 10 }),
      async (items, count) => {
        const sorted = items.toSorted((a, b) => b - a)
        const { top, others } = await topOf(items, count, own)
        const some = sorted.filter((value) => value > 0)
        expect(top).toEqual(some.slice(0, count))
        expect(others).toBe(some.slice(count).reduce((sum, value) => sum + value, 0))
      }
    )
  )
})

it('lets others have their turn among many', async () => {
  let turns = 0
  let done = false
  const count = () => {
    turns++
    if (!done) setImmediate(count)
  }
  setImmediate(count)
  await topOf(
    Array.from({ length: 100_000 }, (_, i) => i),
    50,
    own
  )
  done = true
  expect(turns).toBeGreaterThanOrEqual(50)
})
