import { write, writeSync } from 'node:fs'
import type { Notice } from './log-format.ts'

/** What a reader that does not read may leave in memory before lines are dropped. */
const stdoutBufferBytes = 8 * 1024 * 1024

/** As much as a pipe takes at once. */
const chunkBytes = 64 * 1024

/** How long a pipe that is full is left alone. */
const fullPipeMs = 50

/** Lines to a file descriptor. One that fails or takes nothing costs lines, never the process. */
export class Output {
  readonly #fd: number
  readonly #notice: Notice
  readonly #maxBytes: number
  readonly #idle = new Set<() => void>()
  readonly #queue: string[] = []
  #queuedBytes = 0
  #writing: Buffer | undefined
  #retry: NodeJS.Timeout | undefined
  /** Not told yet. */
  #leftOut = 0
  #linesLeftOut = 0

  /** @param notice how the log speaks of itself */
  constructor(fd: number, notice: Notice, maxBytes = stdoutBufferBytes) {
    this.#fd = fd
    this.#notice = notice
    this.#maxBytes = maxBytes
  }

  /** Since the start. */
  get linesLeftOut(): number {
    return this.#linesLeftOut
  }

  write(line: string): void {
    const bytes = Buffer.byteLength(line)
    if (this.#queuedBytes + bytes > this.#maxBytes) {
      this.#leftOut++
      this.#linesLeftOut++
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
      this.#queue.push(this.#notice(`${this.#leftOut} log lines were left out: standard output did not take them`))
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
