import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { stackOfTheRun } from '../../support/stack.ts'

const MAX_LINES = 20_000 // a debug log of a whole test file; older lines are dropped
const KILL_AFTER_MS = 15_000

/** A process under test: its lines, its end. */
export class Daemon {
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  #dropped = 0
  readonly #watchers = new Set<() => void>()
  readonly #directory: string
  readonly #closed: Promise<void>

  private constructor(child: ChildProcess, directory: string) {
    this.#child = child
    this.#directory = directory
    for (const stream of [child.stdout, child.stderr]) {
      this.#read(stream as Readable)
    }
    this.#closed = new Promise((resolve) => {
      child.once('close', resolve)
      child.once('error', (error) => {
        this.#add(error.message)
        resolve()
      })
    })
    void this.#closed.then(() => this.#wake())
  }

  /** Runs in a directory of its own, so that no .env and no log of the checkout is touched. */
  static async start(
    command: string,
    args: readonly string[],
    env: Record<string, string>,
    /** From descriptor 3 on. */
    more: ReadonlyArray<'ipc' | number> = []
  ): Promise<Daemon> {
    const directory = await mkdtemp(join(tmpdir(), 'powerloom-bootstrap-node-'))
    const inherited = { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR }
    const child = spawn(command, args, {
      cwd: directory,
      env: { ...inherited, ...stackOfTheRun, ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...more]
    })
    return new Daemon(child, directory)
  }

  get process(): ChildProcess {
    return this.#child
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined
  }

  get lines(): readonly string[] {
    return this.#lines
  }

  /** Lines until now, those that were dropped too. */
  get printed(): number {
    return this.#dropped + this.#lines.length
  }

  /** Waits for the first line, past or future, that matches; `from` is how many of the first do not count. */
  async line(pattern: RegExp, withinMs: number, from = 0): Promise<RegExpExecArray> {
    const deadline = Date.now() + withinMs
    for (;;) {
      for (const line of this.#lines.slice(Math.max(0, from - this.#dropped))) {
        const match = pattern.exec(line)
        if (match !== null) {
          return match
        }
      }
      if (!this.running) {
        throw new Error(`the node ended before it printed ${pattern}:\n${this.tail()}`)
      }
      const left = deadline - Date.now()
      if (left <= 0) {
        throw new Error(`the node did not print ${pattern} within ${withinMs} ms:\n${this.tail()}`)
      }
      await this.#change(left)
    }
  }

  tail(count = 15): string {
    return this.#lines.slice(-count).join('\n')
  }

  /** Ends the process with SIGTERM and gives its exit code; null when it had to be killed. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), KILL_AFTER_MS)
    await this.#closed
    clearTimeout(timer)
    await rm(this.#directory, { recursive: true, force: true })
    return this.#child.exitCode
  }

  /** The exit code once it has ended by itself. */
  async ended(): Promise<number | null> {
    await this.#closed
    return this.#child.exitCode
  }

  /** Ends it without a chance to say goodbye. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed
    await rm(this.#directory, { recursive: true, force: true })
  }

  #read(stream: Readable): void {
    createInterface({ input: stream }).on('line', (line) => this.#add(line))
  }

  #add(line: string): void {
    this.#lines.push(line)
    if (this.#lines.length > MAX_LINES) {
      this.#lines.shift()
      this.#dropped++
    }
    this.#wake()
  }

  #wake(): void {
    for (const watcher of this.#watchers) {
      watcher()
    }
  }

  /** Resolves at the next line, at the end of the process, or when the time is over. */
  #change(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#watchers.delete(done)
        resolve()
      }
      const timer = setTimeout(done, withinMs)
      this.#watchers.add(done)
    })
  }
}
