import { beforeEach, expect, it } from 'vitest'
import { asideMs, FairTurns } from '../../../src/connection/lean/fair-turns.ts'
import { networksOf, type Origin } from '../../../src/peers/address-prefix.ts'
import { SimulatedClock } from '../../support/clock.ts'

const from = (ip: string): Origin => ({ ...networksOf(ip), exempt: false })

let clock: SimulatedClock
let deferred: (() => void)[]
let gone: string[]
let open: boolean
let turns: FairTurns<string>

beforeEach(() => {
  clock = new SimulatedClock()
  deferred = []
  gone = []
  open = true
  turns = new FairTurns<string>((item) => void gone.push(item), {
    clock,
    perTurn: () => 2,
    defer: (fn) => deferred.push(fn),
    mayGo: ({ address }) => open || address !== '203.0.113.1',
    onLost: () => {}
  })
})

const turn = () => deferred.shift()?.()

it('lets so many go on in a turn, and rests when nobody waits', () => {
  for (let i = 0; i < 5; i++) turns.wait(`${i}`, from('203.0.113.1'))
  const after = [0, 1, 2, 3].map(() => {
    turn()
    return gone.length
  })
  expect([after, deferred.length, clock.pending, turns.waiting]).toEqual([[2, 4, 5, 5], 0, 0, 0])
})

it('asks those again who may not go yet, and lets the others go meanwhile', () => {
  open = false
  for (let i = 0; i < 2; i++) turns.wait(`limited ${i}`, from('203.0.113.1'))
  turns.wait('other', from('203.0.113.2'))
  turn()
  expect([gone, deferred.length, clock.pending]).toEqual([['other'], 0, 1])
  clock.advance(asideMs)
  turn()
  expect([gone.length, clock.pending]).toEqual([1, 1])
  open = true
  clock.advance(asideMs)
  turn()
  expect([gone, turns.waiting, clock.pending]).toEqual([['other', 'limited 0', 'limited 1'], 0, 0])
})

it('takes no turns while nobody may go, and looks again after a while', () => {
  let isClosed = true
  turns = new FairTurns<string>((item) => void gone.push(item), {
    clock,
    perTurn: () => 2,
    defer: (fn) => deferred.push(fn),
    isClosed: () => isClosed,
    onLost: () => {}
  })
  turns.wait('a', from('203.0.113.1'))
  turn()
  expect([gone, deferred.length, clock.pending]).toEqual([[], 0, 1])
  isClosed = false
  clock.advance(asideMs)
  turn()
  expect([gone, deferred.length, clock.pending, turns.waiting]).toEqual([['a'], 0, 0, 0])
})

it('who waits again within a turn goes on in it only as far as others are', () => {
  const seen: string[] = []
  const again = new FairTurns<string>(
    (item) => {
      seen.push(item)
      again.wait(item, from('203.0.113.1'))
    },
    { clock, perTurn: () => 2, defer: (fn) => deferred.push(fn), onLost: () => {} }
  )
  again.wait('a', from('203.0.113.1'))
  for (let i = 0; i < 3; i++) turn()
  expect([seen.length, deferred.length]).toEqual([6, 1])
})
