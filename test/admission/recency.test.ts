import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { RecencySet } from '../../src/admission/recency.ts'

it('keeps the order of use, whatever is used and deleted', () => {
  const act = fc.record({ use: fc.boolean(), item: fc.nat(7) })
  fc.assert(
    fc.property(fc.array(act), (acts) => {
      const set = new RecencySet<number>()
      let model: number[] = []
      for (const { use, item } of acts) {
        model = model.filter((other) => other !== item)
        if (use) model.push(item)
        if (use) set.use(item)
        else set.delete(item)
        expect([...set]).toEqual(model)
        expect([set.first, set.size]).toEqual([model[0], model.length])
      }
    })
  )
})

it('gives its first without walking over what was deleted before', () => {
  const count = 300_000
  const set = new RecencySet<number>()
  for (let i = 0; i < count; i++) set.use(i)
  const drained: number[] = []
  const before = process.cpuUsage()
  // the same with the first of a Set takes 15 s (6 s at 200,000)
  for (let first = set.first; first !== undefined; first = set.first) {
    drained.push(first)
    set.delete(first)
  }
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1e6).toBeLessThan(5)
  expect(drained).toEqual(Array.from({ length: count }, (_, i) => i))
})
