import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export const root = join(import.meta.dirname, '..', '..')

export const scripts = ['start.sh', 'stop.sh', 'build-docker.sh', 'deploy/restart-docker.sh', 'scripts/compose.sh']

const parts = [
  ...['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'src', 'scripts'],
  ...['LICENSE', 'LICENSE-APACHE', 'LICENSE-MIT', '.env.example'],
  ...['Dockerfile', '.dockerignore', 'docker-compose.yaml', 'start.sh', 'stop.sh', 'build-docker.sh']
]

/** A copy of what an operator checks out, so that no test writes into the work tree or meets its `.env` and logs. */
export function copyTree(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'bootstrap-docker-'))
  for (const part of parts) cpSync(join(root, part), join(path, part), { recursive: true })
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export interface Result {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Result {
  // from the root directory, so that every use shows that the scripts work from anywhere
  const { status, stdout, stderr, error } = spawnSync(command, args, { env, encoding: 'utf8', cwd: '/' })
  return { code: error === undefined ? status : 127, stdout: stdout ?? '', stderr: stderr ?? String(error) }
}

/** A program that stays, such as start.sh, in a process group of its own as a terminal would give it. */
export class Running {
  readonly #child: ChildProcess
  readonly #name: string
  readonly ended: Promise<number | null>
  output = ''

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#name = basename(command)
    this.#child = spawn(command, args, { env, cwd: '/', detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
      })
    }
    this.ended = once(this.#child, 'close').then(([code]) => code as number | null)
  }

  /** To the whole group, as Ctrl-C does. */
  signal(signal: NodeJS.Signals): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) process.kill(-(this.#child.pid ?? 0), signal)
  }

  async waitFor(text: string, withinMs: number): Promise<void> {
    await until(`${JSON.stringify(text)} from ${this.#name}`, withinMs, () => {
      if (this.output.includes(text)) return true
      if (this.#child.exitCode !== null) throw new Error(`${this.#name} ended without ${text}:\n${this.output}`)
      return false
    }).catch((error: Error) => {
      throw new Error(`${error.message}; it printed:\n${this.output}`)
    })
  }
}

export async function until(what: string, withinMs: number, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`no ${what} within ${withinMs} ms`)
    await sleep(100)
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
