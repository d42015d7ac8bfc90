import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import type { LogFileConfig } from '../../src/config/index.ts'
import { openLogFile, pruneBackups } from '../../src/observe/log-file.ts'

const megabyte = `${'x'.repeat(1023)}\n`.repeat(1024)
let folder: string
let config: LogFileConfig
const files = () => readdirSync(folder).sort()
const backup = (day: number) => `app-2026-11-${String(day).padStart(2, '0')}T00-00-00.000.log`
const fail = (error: Error) => expect.fail(error.message)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'log-file-'))
  config = { path: join(folder, 'app.log'), maxSizeMb: 1, maxBackups: 2, maxAgeDays: 0, compress: false }
})

async function writeMegabytes(count: number): Promise<void> {
  const stream = openLogFile(config, fail)
  for (let i = 0; i < count; i++) {
    const rotated = once(stream, 'rotated')
    stream.write(megabyte)
    await rotated
  }
  stream.end('last\n')
  await once(stream, 'finish')
}

it('is rotated at its size, and as many old files are kept as was said', async () => {
  await writeMegabytes(4)
  expect(files()).toHaveLength(3)
  expect(readFileSync(config.path, 'utf8')).toBe('last\n')
  const [oldest] = files()
  expect(oldest).toMatch(/^app-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.log$/)
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
  const stream = openLogFile(config, fail)
  stream.end('after\n')
  await once(stream, 'finish')
  expect(readFileSync(config.path, 'utf8')).toBe('before\nafter\n')
})

it('deletes rotated files that are too old, and nothing else', () => {
  const nowMs = Date.parse('2026-11-23')
  for (const [day, name] of [
    [1, backup(1)],
    [20, backup(20)],
    [1, 'app.log'],
    [1, 'other.log'],
    [1, 'app-notes.log']
  ] as const) {
    writeFileSync(join(folder, name), '')
    const at = new Date(Date.UTC(2026, 10, day))
    utimesSync(join(folder, name), at, at)
  }
  pruneBackups({ ...config, maxBackups: 0, maxAgeDays: 10 }, nowMs)
  expect(files()).toEqual([backup(20), 'app-notes.log', 'app.log', 'other.log'].sort())
})

it('deletes the oldest above the count, and none when the count is 0', () => {
  for (const day of [1, 2, 3, 4]) writeFileSync(join(folder, backup(day)), '')
  pruneBackups({ ...config, maxBackups: 0 }, Date.now())
  expect(files()).toHaveLength(4)
  pruneBackups(config, Date.now())
  expect(files()).toEqual([backup(3), backup(4)])
})
