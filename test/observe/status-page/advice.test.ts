import { expect, it } from 'vitest'
import { adviceOf, type Situation } from '../../../src/observe/status-page/advice.ts'
import { figuresBetween } from '../../../src/observe/status-page/figures.ts'
import { Reading } from '../../../src/observe/status-page/reading.ts'
import type { Figures } from '../../../src/observe/status-page/report.ts'
import { healthy } from './metrics.ts'

const json = healthy().json()
const figures = figuresBetween(new Reading(0, json), new Reading(60_000, json))
const well: Situation = {
  phase: 'running',
  reach: { ok: true, detail: 'it answered' },
  uptimeSeconds: 86_400,
  figures,
  keepsState: true
}
const when = (changes: Partial<Figures>, more: Partial<Situation> = {}) =>
  adviceOf({ ...well, ...more, figures: { ...figures, ...changes } }).map(({ verdict, what }) => [verdict, what])

it('has nothing to say to a node that is well', () => {
  expect(when({})).toEqual([['good', 'Nothing needs to be changed.']])
})

it.each<[string, Partial<Figures>, string]>([
  ['watch', { connections: 80 }, 'Connections are at 80 % of high water.'],
  ['act', { connections: 95 }, 'Connections are at 95 % of high water.'],
  [
    'act',
    { highWater: 724, cap: 500, connections: 480 },
    'Connections are at 96 % of the 500 that there are files for.'
  ],
  ['watch', { connections: 120, evictionsPerSecond: 0.5 }, 'Connections are closed to make room, 30 a minute.'],
  [
    'act',
    { connections: 200, evictionsPerSecond: 0.005 },
    'Connections are closed to make room, less than one a minute.'
  ],
  ['act', { refusalsPerSecond: 2 }, 'Newcomers are refused, 120 a minute, and most of them never come back.'],
  ['watch', { openFiles: 820 }, 'Open files are at 80 % of the limit of 1,024.'],
  ['act', { openFiles: 1000 }, 'Open files are at 98 % of the limit of 1,024.'],
  [
    'watch',
    { openFilesLimit: 399, cap: 199 },
    'The limit of 399 open files is below the 400 for CONN_MANAGER_HIGH_WATER, so that 199 connections are the most.'
  ],
  ['act', { residentBytes: 960e6 }, 'Memory is at 96 % of its limit.'],
  ['watch', { heapBytes: 410e6 }, 'The heap is at 82 % of its limit.'],
  ['watch', { eventLoopDelaySeconds: 0.25 }, 'The event loop is 250 ms late: every client waits so long.'],
  ['act', { eventLoopDelaySeconds: 2 }, 'The event loop is 2000 ms late: every client waits so long.'],
  ['act', { handshakeP99Seconds: 4.5 }, '1 of 100 handshakes takes 4.5 s and more; Go clients give up after 5.'],
  ['watch', { connections: 0, providerRecords: 0 }, 'Nobody is connected.'],
  ['watch', { providerRecords: 0 }, 'Nobody who is connected provides a key.']
])('%s: %o', (verdict, changes, what) => {
  expect(when(changes)).toEqual([[verdict, what]])
})

it('gives a node that has just started time', () => {
  expect(when({ connections: 0, providerRecords: 0 }, { uptimeSeconds: 60 })).toEqual([
    ['good', 'Nothing needs to be changed.']
  ])
})

it('has the most urgent first', () => {
  const found = when(
    { connections: 85, refusalsPerSecond: 1 },
    { reach: { ok: false, detail: 'refused' }, keepsState: false }
  )
  expect(found.map(([verdict]) => verdict)).toEqual(['act', 'act', 'watch', 'hint'])
})

it('says what limits are not known of nothing', () => {
  const none = { highWater: 0, cap: 0, openFilesLimit: 0, memoryLimitBytes: 0, heapLimitBytes: 0 }
  expect(when(none)).toEqual([['good', 'Nothing needs to be changed.']])
})

it('does not call it trouble that nothing is kept', () => {
  expect(when({}, { keepsState: false }).map(([verdict]) => verdict)).toEqual(['good', 'hint'])
})
