import { readdirSync, statSync, unlinkSync } from 'node:fs'
import { basename, dirname, join, parse } from 'node:path'
import { createStream, type RotatingFileStream } from 'rotating-file-stream'
import type { LogFileConfig } from '../config/index.ts'
import type { Notice } from './log-format.ts'

const dayMs = 86_400_000

/** A file that could not be written is left alone for so long. */
const reopenMs = 10_000

/** What a disk that stands still may leave in memory before lines are dropped. */
const bufferBytes = 8 * 1024 * 1024

export interface LogFile {
  /** Since the start. */
  readonly linesLeftOut: number
  write(line: string): void
  /** Goes on in a new file when the old one was moved away; what was written before goes to the old one. */
  reopen(): void
  /** Settles when all is written, or cannot be. */
  close(): Promise<void>
}

export interface LogFileParts {
  /** Told when a write or a rotation fails. */
  readonly onProblem: (error: Error) => void
  /** How the log speaks of itself. */
  readonly notice: Notice
  /** Default: the system's. */
  readonly now?: () => number
  readonly maxBufferBytes?: number
}

/**
 * Opens a log file that is rotated by size. Rotated files are named as lumberjack names them in the Go service:
 * `app-2026-11-23T10-34-16.123.log`, with `.gz` when they are compressed; count and age are enforced at the start and
 * at each rotation. After a failure it is opened again, and says how many lines are missing.
 */
export function openLogFile(
  config: LogFileConfig,
  { onProblem, notice, now = Date.now, maxBufferBytes = bufferBytes }: LogFileParts
): LogFile {
  let stream: RotatingFileStream | undefined
  let failedAtMs = Number.NEGATIVE_INFINITY
  let leftOut = 0
  /** Of those left out: what the file says of them. */
  let told = 0
  let closed = false
  /** Until all is in the file that was moved away. */
  let ending: Promise<void> | undefined

  const open = (): RotatingFileStream => {
    const opened = rotatingStream(config)
    opened.on('open', () => {
      try {
        pruneBackups(config, now())
      } catch (error) {
        onProblem(error as Error)
      }
    })
    opened.on('warning', onProblem)
    // the library ends a stream at its first error
    opened.on('error', (error) => {
      if (stream === opened) {
        stream = undefined
        failedAtMs = now()
      }
      onProblem(error)
    })
    return opened
  }
  const sendCount = (to: RotatingFileStream) => {
    const count = leftOut - told
    if (count === 0) return
    told += count
    to.write(notice(`${count} log lines were left out: LOG_FILE could not be written`), (error) => {
      if (error != null) told -= count
    })
  }

  // also when the clock was set back since: else it would be left alone until that time comes again
  const isTimeToReopen = () => now() < failedAtMs || now() >= failedAtMs + reopenMs

  stream = open()
  return {
    get linesLeftOut() {
      return leftOut
    },
    write(line) {
      if (closed) return
      if (stream === undefined && isTimeToReopen()) stream = open()
      if (stream === undefined || stream.writableLength > maxBufferBytes) {
        leftOut++
        return
      }
      sendCount(stream)
      stream.write(line, (error) => {
        if (error != null) leftOut++
      })
    },
    reopen() {
      // a disk that stands still is given no third file
      if (closed || ending !== undefined) return
      const last = stream
      stream = open()
      if (last === undefined) return
      ending = ended(last).then(() => {
        ending = undefined
      })
    },
    async close() {
      closed = true
      const last = stream
      if (last !== undefined) sendCount(last)
      await Promise.all([ending, last === undefined ? undefined : ended(last)])
    }
  }
}

/** Settles when a stream has written all, or has failed. */
function ended(stream: RotatingFileStream): Promise<void> {
  return new Promise((resolve) => stream.end(() => resolve()))
}

function rotatingStream(config: LogFileConfig): RotatingFileStream {
  const { dir, name, ext } = parse(config.path)
  return createStream(
    (time, index) =>
      time === null ? `${name}${ext}` : `${name}-${stamp(time, index)}${ext}${config.compress ? '.gz' : ''}`,
    { path: dir === '' ? '.' : dir, size: `${config.maxSizeMb}M`, ...(config.compress ? { compress: 'gzip' } : {}) }
  )
}

/** The time of a rotation as lumberjack writes it, in UTC; a number tells two in one millisecond apart. */
function stamp(time: number | Date, index = 1): string {
  const at = new Date(time).toISOString().replaceAll(':', '-').replace('Z', '')
  return index > 1 ? `${at}-${index}` : at
}

/** Deletes rotated files that are too many or too old, as lumberjack's MaxBackups and MaxAge do. */
export function pruneBackups(config: LogFileConfig, nowMs: number): void {
  const folder = dirname(config.path)
  const { name, ext } = parse(basename(config.path))
  const newestFirst = readdirSync(folder)
    .flatMap((file) => backup(file, name, ext) ?? [])
    .sort((a, b) => (a.at === b.at ? b.index - a.index : a.at < b.at ? 1 : -1))
  for (const [index, { file }] of newestFirst.entries()) {
    const path = join(folder, file)
    const tooMany = config.maxBackups > 0 && index >= config.maxBackups
    const tooOld = config.maxAgeDays > 0 && nowMs - statSync(path).mtimeMs > config.maxAgeDays * dayMs
    if (tooMany || tooOld) unlinkSync(path)
  }
}

/** The parts of a rotated file's name; nothing for the name of any other file. */
function backup(file: string, name: string, ext: string): { file: string; at: string; index: number } | undefined {
  const plain = file.endsWith(`${ext}.gz`) ? file.slice(0, -'.gz'.length) : file
  if (!plain.startsWith(`${name}-`) || !plain.endsWith(ext)) return undefined
  const middle = plain.slice(name.length + 1, plain.length - ext.length)
  const [, at, index] = /^(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3})(?:-(\d+))?$/.exec(middle) ?? []
  return at === undefined ? undefined : { file, at, index: Number(index ?? 1) }
}
