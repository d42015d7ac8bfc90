import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reasonOf } from '../../../src/connection/endings.ts'
import { Backlog } from '../../../src/connection/lean/backlog.ts'

class Held {
  reason: string | undefined
  abort(error: Error): void {
    this.reason = reasonOf(error)
  }
}

function backlogOf(maxBytes: number) {
  const later: Array<() => void> = []
  const backlog = new Backlog<Held>(maxBytes, (fn) => later.push(fn))
  return {
    backlog,
    nextTurn: () => {
      for (const fn of later.splice(0)) fn()
    }
  }
}

describe('at the bound', () => {
  it('those who hold the most are closed, in another turn, until a quarter is free', () => {
    const { backlog, nextTurn } = backlogOf(100)
    const [small, middle, large] = [new Held(), new Held(), new Held()]
    backlog.change(small, 30)
    backlog.change(large, 40)
    backlog.change(middle, 31)
    expect([small.reason, middle.reason, large.reason]).toEqual([undefined, undefined, undefined])
    nextTurn()
    expect([small.reason, middle.reason, large.reason]).toEqual([undefined, undefined, 'backlog'])
    expect([backlog.bytes, backlog.holders]).toEqual([61, 2])
  })

  it('nobody is closed when it was let go of meanwhile', () => {
    const { backlog, nextTurn } = backlogOf(100)
    const holder = new Held()
    backlog.change(holder, 101)
    backlog.change(holder, -1)
    nextTurn()
    expect(holder.reason).toBeUndefined()
  })
})

it('holds nothing for who holds nothing, and no more than its bound after any turn', () => {
  const step = fc.record({ who: fc.nat(9), bytes: fc.integer({ min: -60, max: 60 }), leaves: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { backlog, nextTurn } = backlogOf(100)
      const holders = Array.from({ length: 10 }, () => new Held())
      for (const { who, bytes, leaves } of steps) {
        if (leaves) backlog.forget(holders[who]!)
        else backlog.change(holders[who]!, bytes)
        nextTurn()
        expect(backlog.bytes).toBeLessThanOrEqual(100)
      }
      for (const holder of holders) backlog.forget(holder)
      expect([backlog.bytes, backlog.holders]).toEqual([0, 0])
    })
  )
})
