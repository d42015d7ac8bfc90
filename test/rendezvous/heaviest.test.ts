import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { Heaviest, type Weighed } from '../../src/rendezvous/heaviest.ts'

it('finds one that has at least half of the most, and whoever has half of all', () => {
  const change = fc.record({ who: fc.nat(20), difference: fc.integer({ min: -2_000, max: 3_000 }) })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const all: Weighed[] = Array.from({ length: 21 }, () => ({ weight: 0, shelf: -1, place: 0 }))
      const heaviest = new Heaviest<Weighed>()
      for (const { who, difference } of changes) {
        const item = all[who]!
        heaviest.change(item, Math.max(-item.weight, difference))
        const weights = all.map(({ weight }) => weight)
        const total = weights.reduce((sum, weight) => sum + weight)
        expect(heaviest.totalWeight).toBe(total)
        const top = heaviest.top()?.weight ?? 0
        expect(top * 2).toBeGreaterThanOrEqual(Math.max(...weights))
        const most = Math.max(...weights)
        if (most * 2 > total) expect(top).toBe(most)
      }
    })
  )
})
