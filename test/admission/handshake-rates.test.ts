import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { burstSeconds, HandshakeBuckets, TokenBuckets } from '../../src/admission/handshake-rates.ts'
import { networksOf } from '../../src/peers/address-prefix.ts'

const taken = (buckets: TokenBuckets, prefix: string, nowMs: number) => {
  if (!buckets.has(prefix, nowMs)) return false
  buckets.take(prefix, nowMs)
  return true
}

describe('a token bucket', () => {
  it('has its burst at once, then its rate', () => {
    const buckets = new TokenBuckets(10, 2, 100)
    const at = (nowMs: number) => Array.from({ length: 30 }, () => taken(buckets, 'a', nowMs)).filter(Boolean).length
    expect([at(0), at(50), at(100), at(1_100), at(60_000)]).toEqual([20, 0, 1, 10, 20])
  })

  it('never gives more in any time than the burst and the rate of it, whatever others do', () => {
    const call = fc.record({ prefix: fc.constantFrom('a', 'b', 'c'), waitMs: fc.integer({ min: 0, max: 400 }) })
    fc.assert(
      fc.property(fc.array(call, { maxLength: 300 }), (calls) => {
        const buckets = new TokenBuckets(10, 1, 100)
        const givenAtMs: number[] = []
        let nowMs = 0
        for (const { prefix, waitMs } of calls) {
          nowMs += waitMs
          if (taken(buckets, prefix, nowMs) && prefix === 'a') givenAtMs.push(nowMs)
        }
        for (const [i, fromMs] of givenAtMs.entries()) {
          for (const [j, toMs] of givenAtMs.entries()) {
            if (j >= i) expect(j - i + 1).toBeLessThanOrEqual(10 + ((toMs - fromMs) * 10) / 1_000 + 1e-6)
          }
        }
      })
    )
  })

  it('is forgotten once it is full, and at the bound', () => {
    const buckets = new TokenBuckets(10, 1, 100)
    for (let i = 0; i < 1_000; i++) {
      buckets.take(`crowd ${i}`, 0)
      expect(buckets.size).toBeLessThanOrEqual(100)
    }
    for (let i = 0; i < 200; i++) buckets.take('one', 60_000 + i)
    expect(buckets.size).toBe(1)
  })

  it('without a rate is no limit and keeps nothing', () => {
    const buckets = new TokenBuckets(0, 20, 100)
    for (let i = 0; i < 10_000; i++) expect(taken(buckets, 'a', 0)).toBe(true)
    expect(buckets.size).toBe(0)
  })
})

describe('handshakes', () => {
  it('count for the address and for the network that they come from, and for no other', () => {
    const buckets = new HandshakeBuckets({ perAddress: 1, perNetwork: 2 })
    const begin = (ip: string, times: number) =>
      Array.from({ length: times }, () => buckets.take(networksOf(ip), 0) ?? 'begins').at(-1)
    expect(begin('203.0.113.1', burstSeconds)).toBe('begins')
    expect(begin('203.0.113.1', 1)).toBe('addressRate')
    expect(begin('203.0.113.2', burstSeconds)).toBe('begins')
    expect(begin('203.0.113.3', 1)).toBe('networkRate')
    expect(begin('203.0.114.1', burstSeconds)).toBe('begins')
  })

  it('that may not begin take nothing', () => {
    const buckets = new HandshakeBuckets({ perAddress: 1, perNetwork: 2 })
    for (let i = 0; i < 10 * burstSeconds; i++) buckets.take(networksOf('203.0.113.1'), 0)
    const others = Array.from({ length: burstSeconds }, () => buckets.take(networksOf('203.0.113.2'), 0))
    expect(others.every((reason) => reason === undefined)).toBe(true)
  })
})
