import fc from 'fast-check'
import { expect, it } from 'vitest'
import { mostByDefault, sharesOf } from '../../src/admission/prefix-shares.ts'
import { testConfig } from '../support/config.ts'

const { prefixes } = testConfig()

it('what the operator has set holds, whatever room there is', () => {
  const set = { ...prefixes, maxPerAddress: 5_000, maxPerNetwork: 0 }
  expect(sharesOf(set, 824, 824)).toEqual({ perAddress: 5_000, perNetwork: 0 })
})

it('by default an address has what is left, at least a tenth, at most 1,000; a network a fifth and 2,000', () => {
  expect([sharesOf(prefixes, 0, 50_100), sharesOf(prefixes, 50_100, 50_100)]).toEqual([mostByDefault, mostByDefault])
  expect([0, 424, 700, 824, 900].map((connections) => sharesOf(prefixes, connections, 824))).toEqual([
    { perAddress: 824, perNetwork: 824 },
    { perAddress: 400, perNetwork: 400 },
    { perAddress: 124, perNetwork: 165 },
    { perAddress: 83, perNetwork: 165 },
    { perAddress: 83, perNetwork: 165 }
  ])
})

it('one address that brings as many as it can stops at half of the places, and leaves the others theirs', () => {
  const caps = fc.integer({ min: 100, max: 60_000 })
  fc.assert(
    fc.property(caps, fc.double({ min: 0, max: 1, noNaN: true }), (cap, share) => {
      const others = Math.floor((cap / 2) * share)
      let own = 0
      while (own < sharesOf(prefixes, others + own, cap).perAddress) own++
      expect(own).toBeLessThanOrEqual(Math.max(16, Math.ceil((cap - others) / 2)))
      expect(own + others).toBeLessThan(cap)
    })
  )
})
