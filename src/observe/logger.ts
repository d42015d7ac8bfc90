import { write, writeSync } from 'node:fs'
import { type DestinationStream, type Logger, multistream, pino, type StreamEntry } from 'pino'
import { prettyFactory } from 'pino-pretty'
import type { LogConfig } from '../config/index.ts'
import { openLogFile } from './log-file.ts'

export type { Logger } from 'pino'

export interface Log {
  readonly logger: Logger
  /** How many lines standard output and LOG_FILE did not take, so far. */
  linesLeftOut(): number
  /** Writes out what is buffered, for a second at most. Call it last. */
  close(): Promise<void>
}

/** What a reader that does not read may leave in memory before lines are dropped. */
const stdoutBufferBytes = 8 * 1024 * 1024

/** As much as a pipe takes at once. */
const chunkBytes = 64 * 1024

/** How long a pipe that is full is left alone. */
const fullPipeMs = 50

const closeDeadlineMs = 1000

/**
 * The node's log: one readable line an event on standard output and, where configured, in a rotated file. The message
 * texts that operators grep are constants of the code; a line is `[time] LEVEL: message {fields}`.
 *
 * @param alsoTo destinations within the process, which get records as JSON
 */
export function openLog(config: LogConfig, alsoTo: readonly StreamEntry[] = []): Log {
  // asking for process.stdout has Node make a pipe non-blocking: nothing below waits for its reader in a system call
  const colorize = process.stdout.isTTY === true
  const stdout = new Output(1)
  const flush = () => stdout.flushSync()
  process.on('exit', flush)

  const outputs = [lines(stdout, colorize)]
  const file = config.file === undefined ? undefined : openLogFile(config.file, reportOn(stdout))
  if (file !== undefined) outputs.push(lines(file, false))

  const logger = pino(
    { level: config.level, base: null },
    multistream([...outputs.map((stream) => ({ stream, level: 'trace' as const })), ...alsoTo], { dedupe: false })
  )
  return {
    logger,
    linesLeftOut: () => stdout.linesLeftOut + (file?.linesLeftOut() ?? 0),
    async close() {
      await within(closeDeadlineMs, Promise.all([file?.close(), stdout.drained()]))
    }
  }
}

/** Lines to a file descriptor. One that fails or takes nothing costs lines, never the process. */
export class Output {
  readonly #fd: number
  readonly #maxBytes: number
  readonly #idle = new Set<() => void>()
  readonly #queue: string[] = []
  #queuedBytes = 0
  #writing: Buffer | undefined
  #retry: NodeJS.Timeout | undefined
  #leftOut = 0
  /** Since the start. */
  linesLeftOut = 0

  constructor(fd: number, maxBytes = stdoutBufferBytes) {
    this.#fd = fd
    this.#maxBytes = maxBytes
  }

  write(line: string): void {
    const bytes = Buffer.byteLength(line)
    if (this.#queuedBytes + bytes > this.#maxBytes) {
      this.#leftOut++
      this.linesLeftOut++
      return
    }
    this.#queue.push(line)
    this.#queuedBytes += bytes
    if (this.#writing === undefined) this.#next()
  }

  /** Settles when all is written, or has failed. Does not when the reader does not read. */
  drained(): Promise<void> {
    return this.#writing === undefined ? Promise.resolve() : new Promise((resolve) => this.#idle.add(resolve))
  }

  /** For the end of the process: writes what can be written without waiting. */
  flushSync(): void {
    // a chunk in a system call is left to its thread; one that waits for a full pipe is tried once more
    let rest = this.#retry === undefined ? this.#take() : this.#writing
    clearTimeout(this.#retry)
    try {
      for (; rest !== undefined; rest = this.#take()) {
        while (rest.length > 0) rest = rest.subarray(writeSync(this.#fd, rest))
      }
    } catch {
      // a full pipe, a full disk: nobody is left to tell
    }
  }

  #next(): void {
    const chunk = this.#take()
    this.#writing = chunk
    if (chunk !== undefined) {
      this.#send(chunk)
      return
    }
    for (const resolve of this.#idle) resolve()
    this.#idle.clear()
  }

  #send(chunk: Buffer): void {
    write(this.#fd, chunk, (error, written) => {
      if (error?.code === 'EAGAIN') {
        this.#retry = setTimeout(() => {
          this.#retry = undefined
          this.#send(chunk)
        }, fullPipeMs).unref()
        return
      }
      // one that cannot be written is given up: the next may do better (a disk with room again)
      if (error !== null || written === chunk.length) {
        this.#next()
        return
      }
      this.#writing = chunk.subarray(written)
      this.#send(this.#writing)
    })
  }

  #take(): Buffer | undefined {
    if (this.#leftOut > 0 && this.#queuedBytes < this.#maxBytes / 2) {
      this.#queue.push(`${this.#leftOut} log lines were left out: standard output did not take them\n`)
      this.#leftOut = 0
    }
    let count = 0
    let bytes = 0
    for (const line of this.#queue) {
      if (bytes >= chunkBytes) break
      bytes += line.length
      count++
    }
    if (count === 0) return undefined
    const chunk = Buffer.from(this.#queue.splice(0, count).join(''))
    this.#queuedBytes = Math.max(0, this.#queuedBytes - chunk.length)
    return chunk
  }
}

/** A stream of JSON lines in, of readable lines out. Whatever a record holds, it is one line; only stacks have more. */
export function lines(output: { write(line: string): unknown }, colorize: boolean): DestinationStream {
  const format = prettyFactory({
    colorize,
    singleLine: true,
    translateTime: "UTC:yyyy-mm-dd'T'HH:MM:ss.l'Z'"
  })
  return { write: (line) => void output.write(format(JSON.parse(line, printable))) }
}

/** A stack keeps its lines: pino-pretty indents them, so none can pass for an event. */
function printable(key: string, value: unknown): unknown {
  if (typeof value !== 'string') return value
  return key === 'stack' ? value.split('\n').map(visible).join('\n') : visible(value)
}

/** A text without what moves a terminal's cursor or starts a line: such characters are shown as escapes. */
export function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, (character) => {
    if (character === '\n') return '\\n'
    if (character === '\r') return '\\r'
    if (character === '\t') return '\\t'
    const code = character.charCodeAt(0).toString(16)
    return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`
  })
}

/** Says on standard output, once a minute at most, that the log file cannot be written. */
export function reportOn(stdout: { write(line: string): unknown }, now: () => number = Date.now) {
  let silentUntilMs = Number.NEGATIVE_INFINITY
  return (error: Error): void => {
    if (now() < silentUntilMs) return
    silentUntilMs = now() + 60_000
    stdout.write(`LOG_FILE cannot be written: ${visible(error.message)}\n`)
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
