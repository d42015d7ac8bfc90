import { expect, it } from 'vitest'
import { calmLooks, calmShare, Excess, type MemoryReading, settledAfterMs } from '../../src/memory/excess.ts'

const mebibyte = 1024 * 1024
const secondMs = 1_000

/** Of a node that has been empty, and calm for long. */
function calmExcess(residentMB: number): Excess {
  const excess = new Excess()
  for (let i = 0; i < calmLooks; i++) excess.look(reading(residentMB), 0)
  return excess
}

function reading(residentMB: number, connections = 0, other: Partial<MemoryReading> = {}): MemoryReading {
  return { residentBytes: residentMB * mebibyte, heapUsedBytes: 25 * mebibyte, connections, busyShare: 0, ...other }
}

it('what a flood leaves behind is given back once the node is calm', () => {
  const excess = new Excess()
  const looks = [
    reading(100),
    reading(200, 9_000, { busyShare: 1 }),
    reading(190, 100, { busyShare: calmShare }),
    reading(190, 100, { busyShare: calmShare }),
    // it had only paused
    reading(190, 100, { busyShare: calmShare + 0.01 }),
    ...Array.from({ length: calmLooks }, () => reading(190, 100, { busyShare: calmShare }))
  ]
  const answers = looks.map((look, i) => excess.look(look, i * 5 * secondMs))
  expect(answers).toEqual([...Array(looks.length - 1).fill(false), true])
})

it('connections may take what they take, and give back what they have to when they leave', () => {
  const excess = calmExcess(100)
  // over TLS
  expect(excess.look(reading(100 + 600, 10_000), 5 * secondMs)).toBe(false)
  // settled with 10,000 over Noise, of which 9,000 leave
  excess.look(reading(220, 10_000), settledAfterMs + 5 * secondMs)
  expect(excess.look(reading(160, 1_000), settledAfterMs + 10 * secondMs)).toBe(false)
  expect(excess.look(reading(180, 1_000), settledAfterMs + 15 * secondMs)).toBe(true)
})

it('less than 12 MiB, or than a tenth, is not worth a pause', () => {
  const small = calmExcess(100)
  expect([small.look(reading(111), 1), small.look(reading(112), 2)]).toEqual([false, true])
  const large = calmExcess(1_000)
  expect([large.look(reading(1_099), 1), large.look(reading(1_101), 2)]).toEqual([false, true])
})

it('what a collection leaves is needed, and the next growth is measured from there', () => {
  const excess = calmExcess(100)
  expect(excess.look(reading(150), 5 * secondMs)).toBe(true)
  const laterMs = 1_000 * secondMs
  expect([excess.look(reading(148), laterMs), excess.look(reading(150), laterMs)]).toEqual([false, false])
  expect(excess.look(reading(165), laterMs)).toBe(true)
})

it('pauses are a thousandth of all time: 25 MiB take 125 ms, so the next is 125 s later at the earliest', () => {
  const excess = calmExcess(100)
  expect(excess.look(reading(150), 5 * secondMs)).toBe(true)
  excess.look(reading(100), 10 * secondMs)
  expect(excess.look(reading(150), 129 * secondMs)).toBe(false)
  expect(excess.look(reading(150), 130 * secondMs)).toBe(true)
})

it('what has settled for ten minutes is not given back for ever', () => {
  const excess = calmExcess(100)
  // not worth it, step by step
  excess.look(reading(110), settledAfterMs)
  expect(excess.look(reading(120), settledAfterMs + 1)).toBe(false)
  expect(excess.look(reading(123), settledAfterMs + 2)).toBe(true)
})
