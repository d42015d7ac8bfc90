import { type DestinationStream, type Logger, multistream, pino } from 'pino'
import { prettyFactory } from 'pino-pretty'
import type { LogConfig } from '../config/index.ts'
import { openLogFile } from './log-file.ts'

export type { Logger } from 'pino'

export interface Log {
  readonly logger: Logger
  /** Writes out what is buffered. Call it last. */
  close(): Promise<void>
}

/** What a reader that does not read may leave in memory before lines are dropped. */
const stdoutBufferBytes = 8 * 1024 * 1024

/**
 * The node's log: one readable line an event on standard output and, where configured, in a rotated file. The message
 * texts that operators grep are constants of the code; a line is `[time] LEVEL: message {fields}`.
 */
export function openLog(config: LogConfig): Log {
  const stdout = pino.destination({ fd: 1, sync: false, maxLength: stdoutBufferBytes })
  // a closed pipe (`node dist/main.js | head`) must not take the node down
  stdout.on('error', () => {})

  const outputs = [lines(stdout, process.stdout.isTTY === true)]
  const file = config.file === undefined ? undefined : openLogFile(config.file, reportOn(stdout))
  if (file !== undefined) outputs.push(lines(file, false))

  const logger = pino(
    { level: config.level, base: null },
    multistream(
      outputs.map((stream) => ({ stream, level: 'trace' as const })),
      { dedupe: false }
    )
  )
  return {
    logger,
    async close() {
      if (file !== undefined) await new Promise<void>((resolve) => file.end(resolve))
      stdout.flushSync()
    }
  }
}

/** A stream of JSON lines in, of readable lines out. */
function lines(output: { write(line: string): unknown }, colorize: boolean): DestinationStream {
  const format = prettyFactory({
    colorize,
    singleLine: true,
    translateTime: "UTC:yyyy-mm-dd'T'HH:MM:ss.l'Z'"
  })
  return { write: (line) => void output.write(format(line)) }
}

/** Says on standard output, once a minute at most, that the log file cannot be written. */
function reportOn(stdout: { write(line: string): unknown }): (error: Error) => void {
  let silentUntilMs = 0
  return (error) => {
    if (Date.now() < silentUntilMs) return
    silentUntilMs = Date.now() + 60_000
    stdout.write(`LOG_FILE cannot be written: ${error.message}\n`)
  }
}
