import { type Logger, multistream, pino, type StreamEntry } from 'pino'
import { type Clock, systemClock } from '../clock.ts'
import type { LogConfig } from '../config/index.ts'
import { LibraryLog } from './libp2p-logger.ts'
import { openLogFile } from './log-file.ts'
import { LogFlood } from './log-flood.ts'
import { logFormat, type Notice, visible } from './log-format.ts'
import { LogLevels } from './log-levels.ts'
import { Output } from './output.ts'

export type { Logger } from 'pino'

/** Lines that were not written since the start, by reason: too many alike; a reader that did not read; a file that failed. */
export interface LinesLeftOut {
  readonly flood: number
  readonly stdout: number
  readonly file: number
}

export interface Log {
  readonly logger: Logger
  /** For the libraries. */
  readonly libraries: LibraryLog
  readonly levels: LogLevels
  readonly linesLeftOut: LinesLeftOut
  /** Goes on in a new LOG_FILE when the old one was moved away, as logrotate does. Without a LOG_FILE: nothing. */
  reopenFile(): void
  /** Writes out what is buffered, for a second at most. Call it last. */
  close(): Promise<void>
}

const closeDeadlineMs = 1000

/**
 * The node's log: one line an event on standard output and, where configured, in a rotated file. The message texts that
 * operators grep are constants of the code, the same in each format.
 *
 * @param alsoTo destinations within the process, which get records as JSON
 */
export function openLog(config: LogConfig, alsoTo: readonly StreamEntry[] = [], clock: Clock = systemClock): Log {
  // asking for process.stdout has Node make a pipe non-blocking: nothing below waits for its reader in a system call
  const terminal = logFormat(config.format, process.stdout.isTTY === true)
  const stdout = new Output(1, terminal.notice)
  const flush = () => stdout.flushSync()
  process.on('exit', flush)

  const streams = [{ write: (record: string) => stdout.write(terminal.line(record)) }]
  const { notice, line } = logFormat(config.format, false)
  const file =
    config.file === undefined
      ? undefined
      : openLogFile(config.file, { onProblem: reportOn(stdout, terminal.notice), notice })
  if (file !== undefined) streams.push({ write: (record) => file.write(line(record)) })

  const flood = new LogFlood(clock, (text, level) => {
    logger[pino.levels.labels[level] as pino.Level](text)
  })
  const logger = pino(
    {
      level: config.level,
      base: null,
      ...terminal.record,
      hooks: {
        logMethod(args, method, level) {
          if (flood.admits(textOf(args), level)) method.apply(this, args)
        }
      }
    },
    multistream([...streams.map((stream) => ({ stream, level: 'trace' as const })), ...alsoTo], { dedupe: false })
  )
  const libraries = new LibraryLog(logger, config.libp2pLevel)
  return {
    logger,
    libraries,
    levels: new LogLevels(logger, libraries),
    get linesLeftOut() {
      return { flood: flood.linesLeftOut, stdout: stdout.linesLeftOut, file: file?.linesLeftOut ?? 0 }
    },
    reopenFile: () => file?.reopen(),
    async close() {
      flood.flush()
      await within(closeDeadlineMs, Promise.all([file?.close(), stdout.drained()]))
    }
  }
}

/** The message among the arguments of a logger's method, which may have an object before it. */
function textOf([first, second]: readonly unknown[]): string {
  if (typeof first === 'string') return first
  return typeof second === 'string' ? second : ''
}

/** Says on standard output, once a minute at most, that the log file cannot be written. */
export function reportOn(
  stdout: { write(line: string): unknown },
  notice: Notice,
  now: () => number = () => performance.now()
): (error: Error) => void {
  let silentUntilMs = Number.NEGATIVE_INFINITY
  return (error) => {
    if (now() < silentUntilMs) return
    silentUntilMs = now() + 60_000
    stdout.write(notice(`LOG_FILE cannot be written: ${visible(error.message)}`))
  }
}

/** The timer keeps the process alive: with nothing else open it would end before what is awaited. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  try {
    await Promise.race([work, deadline])
  } finally {
    clearTimeout(timer)
  }
}
