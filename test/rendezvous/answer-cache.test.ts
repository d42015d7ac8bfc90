import { expect, it } from 'vitest'
import { AnswerCache, type CacheHolder } from '../../src/rendezvous/answer-cache.ts'

const holder = (): CacheHolder => ({ cached: undefined })

it('holds no more than its bytes: the longest unused go', () => {
  const cache = new AnswerCache(10_000)
  const [used, ...others] = Array.from({ length: 20 }, holder)
  cache.keep(used!, new Uint8Array(1_000))
  for (const other of others) {
    cache.keep(other, new Uint8Array(1_000))
    expect(cache.get(used!)).toBeDefined()
    expect(cache.bytes).toBeLessThanOrEqual(10_000)
  }
  const kept = others.filter((other) => cache.get(other) !== undefined)
  expect(kept).toEqual(others.slice(-kept.length))
  expect(kept.length).toBeGreaterThan(3)
})

it('keeps nothing that is larger than all of it', () => {
  const cache = new AnswerCache(1_000)
  const large = holder()
  cache.keep(large, new Uint8Array(2_000))
  expect([cache.get(large), cache.bytes]).toEqual([undefined, 0])
})

it('counts what is replaced and dropped', () => {
  const cache = new AnswerCache()
  const one = holder()
  cache.keep(one, new Uint8Array(500))
  cache.keep(one, new Uint8Array(100))
  expect(cache.get(one)).toHaveLength(100)
  cache.drop(one)
  cache.drop(one)
  expect([cache.get(one), cache.bytes]).toEqual([undefined, 0])
})
