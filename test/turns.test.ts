import { expect, it } from 'vitest'
import { Turns } from '../src/turns.ts'

it('lets so many go on in a turn, in order, and the others in the next', () => {
  const deferred: (() => void)[] = []
  const turns: number[][] = []
  const waiting = new Turns<number>((item) => turns.at(-1)?.push(item), {
    defer: (fn) => deferred.push(fn),
    perTurn: () => 16
  })
  for (let item = 0; item < 40; item++) waiting.wait(item)
  expect(deferred).toHaveLength(1)
  while (deferred.length > 0) {
    turns.push([])
    deferred.shift()?.()
  }
  expect(turns.map(({ length }) => length)).toEqual([16, 16, 8])
  expect(turns.flat()).toEqual(Array.from({ length: 40 }, (_, item) => item))
  expect(waiting.waiting).toBe(0)
})

it('gives who waits again within its turn another one, behind those who wait already', () => {
  const deferred: (() => void)[] = []
  const seen: string[] = []
  const waiting = new Turns<string>(
    (item) => {
      seen.push(item)
      if (item === 'a' && seen.length === 1) waiting.wait(item)
    },
    { defer: (fn) => deferred.push(fn), perTurn: () => 1 }
  )
  for (const item of ['a', 'b']) waiting.wait(item)
  while (deferred.length > 0) deferred.shift()?.()
  expect(seen).toEqual(['a', 'b', 'a'])
})

it('lets go on at once while there is room in the turn, and nobody past those who wait', () => {
  const deferred: (() => void)[] = []
  const seen: number[] = []
  const turns = new Turns<number>((item) => seen.push(item), { defer: (fn) => deferred.push(fn), perTurn: () => 2 })
  for (let item = 0; item < 5; item++) turns.goOrWait(item)
  expect([seen, turns.waiting, deferred.length]).toEqual([[0, 1], 3, 1])
  deferred.shift()?.()
  turns.goOrWait(5)
  expect([seen, turns.waiting]).toEqual([[0, 1, 2, 3], 2])
  while (deferred.length > 0) deferred.shift()?.()
  turns.goOrWait(6)
  while (deferred.length > 0) deferred.shift()?.()
  expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6])
})
