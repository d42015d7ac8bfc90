import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { burstBytes, bytesPerSecond, RpcBudget, requestsPerTurn, shareOfTurn } from '../../src/rendezvous/rpc-budget.ts'

it('lets nobody have more than a burst, what has come in since, and one answer', () => {
  const step = fc.record({ waitMs: fc.nat(3_000), bytes: fc.nat(2 ** 20) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const budget = new RpcBudget(0)
      let nowMs = 0
      let spentBytes = 0
      for (const { waitMs, bytes } of steps) {
        nowMs += waitMs
        if (budget.isSpent(nowMs)) continue
        budget.spend(bytes, nowMs)
        spentBytes += bytes
        expect(spentBytes).toBeLessThanOrEqual(burstBytes + (nowMs / 1_000) * bytesPerSecond + bytes)
      }
    })
  )
})

it('fills up to a burst, however long a peer is quiet', () => {
  const budget = new RpcBudget(0)
  expect(budget.isSpent(1e9)).toBe(false)
  budget.spend(burstBytes, 1e9)
  expect(budget.isSpent(1e9)).toBe(true)
  expect(budget.isSpent(1e9 + 1)).toBe(false)
})

it('is far above what a real client asks', () => {
  const budget = new RpcBudget(0)
  for (let i = 0; i < 500; i++) budget.spend(20 * 1024, 0)
  expect(budget.isSpent(0)).toBe(false)
  for (let s = 1; s < 1_000; s++) {
    for (let i = 0; i < 20; i++) budget.spend(100 * 1024, s * 1_000)
    expect(budget.isSpent(s * 1_000)).toBe(false)
  }
})

it('gives a number of requests for each turn', () => {
  const budget = new RpcBudget(0)
  const taken = (turn: number) => Array.from({ length: 100 }, () => budget.takeFromTurn(turn)).filter(Boolean).length
  expect([taken(1), taken(1), taken(2)]).toEqual([requestsPerTurn, 0, requestsPerTurn])
})

it('gives each a smaller share of the turn the more wait for it, and one at least', () => {
  expect([0, 1, 32, 64, 512, 10_000].map(shareOfTurn)).toEqual([16, 16, 16, 8, 1, 1])
  const budget = new RpcBudget(0)
  expect([budget.takeFromTurn(1, 1), budget.takeFromTurn(1, 1), budget.takeFromTurn(2, 1)]).toEqual([true, false, true])
})
