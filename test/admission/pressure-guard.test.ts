import { beforeEach, expect, it } from 'vitest'
import type { Relief } from '../../src/admission/pressure.ts'
import { calmLookMs, type Gate, lookMs, PressureGuard } from '../../src/admission/pressure-guard.ts'
import { SimulatedClock } from '../support/clock.ts'
import { collectedLog, type LogLine } from '../support/log.ts'

let clock: SimulatedClock
let lines: LogLine[]
let relief: Relief | undefined
let share: number
let looks: number
let isOutOfFiles: boolean
let gate: Gate & { refusals: Record<string, number>; evictions: { pressure: number } }
let guard: PressureGuard

beforeEach(() => {
  clock = new SimulatedClock()
  share = 0.5
  isOutOfFiles = false
  relief = undefined
  const log = collectedLog()
  lines = log.lines
  gate = {
    index: { connections: 1_000 },
    refusals: { pressure: 0 },
    evictions: { pressure: 0 },
    getMaxConnections: () => 2_000,
    relieve: (given) => {
      relief = given
    }
  }
  looks = 0
  const read = () => {
    looks++
    return { memory: share, heap: 0.1, isOutOfFiles }
  }
  guard = new PressureGuard({ gate, clock, logger: log.logger, read })
  guard.start()
})

it('tells admission at once what is short', () => {
  clock.advance(1_000)
  expect(relief?.ceiling).toBe(Number.POSITIVE_INFINITY)
  share = 0.91
  clock.advance(1_000)
  expect(relief).toMatchObject({ ceiling: 950, shortage: 'memory' })
  expect(guard.shortage).toBe('memory')
})

it('looks rarely while half is free of everything, and often from then on', () => {
  clock.advance(60 * calmLookMs)
  const often = 60 * (calmLookMs / lookMs)
  expect(looks).toBe(often)
  share = 0.49
  looks = 0
  clock.advance(60 * calmLookMs)
  expect(looks).toBeLessThanOrEqual(60 + 1)
  isOutOfFiles = true
  looks = 0
  clock.advance(60 * calmLookMs)
  expect(looks).toBeGreaterThan(often - calmLookMs / lookMs)
})

it('says so once a minute, with what it has cost, however many come', () => {
  share = 0.97
  clock.advance(1_000)
  expect(lines).toEqual([
    { level: 'warn', text: expect.stringMatching(/^memory is short \(97 % in use\): .*give the node more memory/) }
  ])
  gate.evictions.pressure = 67
  clock.advance(59_000)
  expect(lines).toHaveLength(1)
  clock.advance(1_000)
  expect(lines).toHaveLength(2)
  expect(lines[1]?.text).toMatch(/at most 900 connections are kept, 67 were closed/)
})

it('says that it is over, and that files were short', () => {
  isOutOfFiles = true
  clock.advance(1_000)
  expect(lines[0]?.text).toMatch(/^the number of open files is short \(all in use\): .*LimitNOFILE/)
  isOutOfFiles = false
  clock.advance(120_000)
  expect(lines.at(-1)).toEqual({ level: 'info', text: 'the number of open files is no longer short' })
  expect(relief?.shortage).toBeUndefined()
})

it('what comes and goes does not fill the log', () => {
  for (let i = 0; i < 60; i++) {
    isOutOfFiles = i % 2 === 0
    clock.advance(1_000)
  }
  expect(lines.length).toBeLessThanOrEqual(3)
})

it('says once a minute how many were turned away, and why', () => {
  gate.refusals.pressure = 3
  gate.refusals.tooManyHandshakes = 40
  clock.advance(1_000)
  gate.refusals.pressure = 4
  clock.advance(59_000)
  expect(lines).toEqual([
    {
      level: 'warn',
      text: '43 newcomers were refused (pressure 3, tooManyHandshakes 40); there is room for 2000 connections'
    }
  ])
  clock.advance(1_000)
  expect(lines.at(-1)?.text).toMatch(/^1 newcomers were refused \(pressure 1\)/)
  clock.advance(600_000)
  expect(lines).toHaveLength(2)
})

it('leaves no timer behind', () => {
  clock.advance(5_000)
  guard.stop()
  expect(clock.pending).toBe(0)
})
