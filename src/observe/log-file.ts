import { readdirSync, statSync, unlinkSync } from 'node:fs'
import { basename, dirname, join, parse } from 'node:path'
import { createStream, type RotatingFileStream } from 'rotating-file-stream'
import type { LogFileConfig } from '../config/index.ts'

const dayMs = 86_400_000

/**
 * Opens a log file that is rotated by size. Rotated files are named as lumberjack names them in the Go service:
 * `app-2026-11-23T10-34-16.123.log`, with `.gz` when they are compressed; count and age are enforced at the start and
 * at each rotation.
 *
 * @param onProblem told when a write or a rotation fails; the stream goes on
 */
export function openLogFile(config: LogFileConfig, onProblem: (error: Error) => void): RotatingFileStream {
  const { dir, name, ext } = parse(config.path)
  const stream = createStream(
    (time) => (time === null ? `${name}${ext}` : `${name}-${stamp(time)}${ext}${config.compress ? '.gz' : ''}`),
    { path: dir === '' ? '.' : dir, size: `${config.maxSizeMb}M`, ...(config.compress ? { compress: 'gzip' } : {}) }
  )
  const prune = () => {
    try {
      pruneBackups(config, Date.now())
    } catch (error) {
      onProblem(error as Error)
    }
  }
  stream.on('rotated', prune)
  stream.on('error', onProblem)
  stream.on('warning', onProblem)
  prune()
  return stream
}

/** The time of a rotation as lumberjack writes it, in UTC; a number tells two in one millisecond apart. */
function stamp(time: number | Date): string {
  return new Date(time).toISOString().replaceAll(':', '-').replace('Z', '')
}

/** Deletes rotated files that are too many or too old, as lumberjack's MaxBackups and MaxAge do. */
export function pruneBackups(config: LogFileConfig, nowMs: number): void {
  const folder = dirname(config.path)
  const { name, ext } = parse(basename(config.path))
  const isBackup = (file: string) =>
    file.startsWith(`${name}-`) &&
    /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}/.test(file.slice(name.length + 1)) &&
    (file.endsWith(ext) || file.endsWith(`${ext}.gz`))

  const newestFirst = readdirSync(folder).filter(isBackup).sort().reverse()
  for (const [index, file] of newestFirst.entries()) {
    const path = join(folder, file)
    const tooMany = config.maxBackups > 0 && index >= config.maxBackups
    const tooOld = config.maxAgeDays > 0 && nowMs - statSync(path).mtimeMs > config.maxAgeDays * dayMs
    if (tooMany || tooOld) unlinkSync(path)
  }
}
