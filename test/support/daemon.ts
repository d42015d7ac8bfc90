import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stackOfTheRun } from './stack.ts'

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** The built daemon as a process of its own, in an empty working directory and without this process's settings. */
export class Daemon {
  stdout = ''
  stderr = ''
  readonly process: ChildProcess
  readonly cwd: string
  readonly #waiting = new Set<() => void>()

  constructor(
    args: readonly string[] = [],
    env: Record<string, string> = {},
    options: { cwd?: string; node?: readonly string[]; within?: string } = {}
  ) {
    this.cwd = options.cwd ?? mkdtempSync(join(tmpdir(), 'daemon-'))
    const command = [process.execPath, ...(options.node ?? []), main, ...args]
    // mounts of its own: it is the daemon that has the process id in the end
    const within =
      options.within === undefined ? [] : ['unshare', '-m', 'sh', '-c', `${options.within}; exec "$@"`, 'sh']
    const [program = '', ...words] = [...within, ...command]
    this.process = spawn(program, words, {
      cwd: this.cwd,
      env: { PATH: process.env.PATH, LISTEN_ADDRESS: '127.0.0.1', ADMIN_PORT: '0', ...stackOfTheRun, ...env }
    })
    const wake = () => {
      for (const look of this.#waiting) look()
    }
    this.process.stdout!.on('data', (chunk) => {
      this.stdout += chunk
      wake()
    })
    this.process.stderr!.on('data', (chunk) => {
      this.stderr += chunk
      wake()
    })
    this.process.on('exit', wake)
  }

  /** The first match in what it printed. Rejects when the process ends or the time passes without one. */
  printed(pattern: RegExp, withinMs = 30_000): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        done()
        reject(new Error(`${why} without ${pattern}\n${this.stdout}${this.stderr}`))
      }
      const timer = setTimeout(() => fail(`${withinMs} ms passed`), withinMs)
      const done = () => {
        clearTimeout(timer)
        this.#waiting.delete(look)
      }
      const look = () => {
        const match = (this.stdout + this.stderr).match(pattern)
        if (match !== null) {
          done()
          resolve(match)
        } else if (this.process.exitCode !== null) fail(`it ended with ${this.process.exitCode}`)
      }
      this.#waiting.add(look)
      look()
    })
  }

  async started(): Promise<this> {
    await this.printed(/Bootstrap node started\. ID: /)
    return this
  }

  /** The exit code, or the signal that ended it. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    const { process } = this
    if (process.exitCode === null && process.signalCode === null) await once(process, 'exit')
    return process.exitCode ?? process.signalCode
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals | null> {
    this.process.kill(signal)
    return this.ended()
  }
}
