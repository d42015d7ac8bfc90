import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { LogFileConfig } from '../../src/config/index.ts'
import { openLogFile, pruneBackups } from '../../src/observe/log-file.ts'

const megabyte = `${'x'.repeat(1023)}\n`.repeat(1024)
let folder: string
let config: LogFileConfig
const files = () => readdirSync(folder).sort()
const backup = (day: number) => `app-2026-11-${String(day).padStart(2, '0')}T00-00-00.000.log`
const important = 'app-2026-11-23T11-58-07.093-important.log'
const notice = (text: string) => `${text}\n`
const onProblem = (error: Error) => expect.fail(error.message)
const parts = { onProblem, notice }

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'log-file-'))
  config = { path: join(folder, 'app.log'), maxSizeMb: 1, maxBackups: 2, maxAgeDays: 0, compress: false }
})

afterEach(() => {
  vi.useRealTimers()
})

async function writeMegabytes(count: number): Promise<void> {
  const file = openLogFile(config, parts)
  for (let i = 0; i < count; i++) file.write(megabyte)
  file.write('last\n')
  await file.close()
}

it('is rotated at its size, and as many old files are kept as was said', async () => {
  await writeMegabytes(4)
  expect(files()).toHaveLength(3)
  expect(readFileSync(config.path, 'utf8')).toBe('last\n')
  const [oldest] = files()
  expect(oldest).toMatch(/^app-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}(-\d+)?\.log$/)
  expect(statSync(join(folder, oldest!)).size).toBe(megabyte.length)
})

it('compresses what was rotated', async () => {
  config = { ...config, compress: true }
  await writeMegabytes(1)
  const [packed] = files().filter((file) => file.endsWith('.log.gz'))
  expect(readFileSync(join(folder, packed!)).subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]))
})

it('goes on where the last process stopped', async () => {
  writeFileSync(config.path, 'before\n')
  const file = openLogFile(config, parts)
  file.write('after\n')
  await file.close()
  expect(readFileSync(config.path, 'utf8')).toBe('before\nafter\n')
})

it('deletes rotated files that are too old, and nothing else', () => {
  const nowMs = Date.parse('2026-11-23')
  for (const [day, name] of [
    [1, backup(1)],
    [20, backup(20)],
    [1, 'app.log'],
    [1, 'other.log'],
    [1, 'app-notes.log'],
    [1, important]
  ] as const) {
    writeFileSync(join(folder, name), '')
    const at = new Date(Date.UTC(2026, 10, day))
    utimesSync(join(folder, name), at, at)
  }
  pruneBackups({ ...config, maxBackups: 0, maxAgeDays: 10 }, nowMs)
  expect(files()).toEqual([backup(20), important, 'app-notes.log', 'app.log', 'other.log'].sort())
})

it('deletes the oldest above the count, and none when the count is 0', () => {
  for (const day of [1, 2, 3, 4]) writeFileSync(join(folder, backup(day)), '')
  pruneBackups({ ...config, maxBackups: 0 }, Date.now())
  expect(files()).toHaveLength(4)
  pruneBackups(config, Date.now())
  expect(files()).toEqual([backup(3), backup(4)])
})

it('tells rotations in one millisecond apart, and knows which is the oldest', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-23T11:58:07.093Z') })
  config = { ...config, maxBackups: 3 }
  await writeMegabytes(4)
  const at = 'app-2026-11-23T11-58-07.093'
  expect(files()).toEqual([`${at}-2.log`, `${at}-3.log`, `${at}-4.log`, 'app.log'])
})

it('goes on once a folder that failed works again, and says how many lines are missing', async () => {
  let nowMs = 0
  const problems: string[] = []
  const inner = join(folder, 'inner')
  const away = join(folder, 'away')
  config = { ...config, path: join(inner, 'app.log') }
  const file = openLogFile(config, {
    onProblem: (error) => void problems.push(error.message),
    notice,
    now: () => nowMs
  })
  file.write('first\n')
  await vi.waitFor(() => expect(readFileSync(config.path, 'utf8')).toBe('first\n'))

  renameSync(inner, away)
  writeFileSync(inner, 'in the way')
  file.write(megabyte)
  await vi.waitFor(() => expect(problems).toHaveLength(1))
  nowMs = 9_999
  file.write('too early\n')
  nowMs = 10_000
  file.write('still in the way\n')
  await vi.waitFor(() => expect(problems).toHaveLength(2))

  rmSync(inner)
  nowMs = 20_000
  file.write('again\n')
  await file.close()
  expect(readFileSync(config.path, 'utf8')).toBe('3 log lines were left out: LOG_FILE could not be written\nagain\n')
  expect(file.linesLeftOut).toBe(3)
})

it('is tried again when the clock is set back, too', async () => {
  let nowMs = 20_000_000
  const problems: string[] = []
  config = { ...config, path: join(folder, 'inner', 'app.log') }
  writeFileSync(join(folder, 'inner'), 'in the way')
  const file = openLogFile(config, {
    ...parts,
    onProblem: (error) => void problems.push(error.message),
    now: () => nowMs
  })
  await vi.waitFor(() => expect(problems).toHaveLength(1))
  rmSync(join(folder, 'inner'))
  nowMs = 10_000_000
  file.write('again\n')
  await file.close()
  expect(readFileSync(config.path, 'utf8')).toBe('again\n')
})

it('leaves lines out while the disk stands still', async () => {
  const file = openLogFile(config, { ...parts, maxBufferBytes: 100 })
  const line = `${'x'.repeat(60)}\n`
  for (let i = 0; i < 10; i++) file.write(line)
  await vi.waitFor(() => expect(readFileSync(config.path, 'utf8')).toBe(line + line))
  file.write('moving\n')
  await file.close()
  expect(readFileSync(config.path, 'utf8')).toBe(
    `${line + line}8 log lines were left out: LOG_FILE could not be written\nmoving\n`
  )
  expect(file.linesLeftOut).toBe(8)
})

it('goes on in a new file when the old one was moved away, and loses no line', async () => {
  const file = openLogFile(config, parts)
  const moved = `${config.path}.1`
  file.write('first\n')
  await vi.waitFor(() => expect(readFileSync(config.path, 'utf8')).toBe('first\n'))
  renameSync(config.path, moved)
  file.write('still to the old one\n')
  file.reopen()
  file.write('to the new one\n')
  await file.close()
  expect(readFileSync(moved, 'utf8')).toBe('first\nstill to the old one\n')
  expect(readFileSync(config.path, 'utf8')).toBe('to the new one\n')
  expect(file.linesLeftOut).toBe(0)
})

it('asked a hundred times at once, opens one more file', async () => {
  const file = openLogFile(config, parts)
  for (let i = 0; i < 100; i++) file.reopen()
  file.write('last\n')
  let most = 0
  for (let turn = 0; turn < 500; turn++) {
    most = Math.max(most, descriptorsOf(config.path))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await file.close()
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThanOrEqual(2)
  expect(readFileSync(config.path, 'utf8')).toBe('last\n')
})

function descriptorsOf(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path
    } catch {
      return false // closed meanwhile
    }
  }).length
}
