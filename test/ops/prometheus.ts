import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../support/port.ts'

/** What operators get. */
export const monitoring = fileURLToPath(new URL('../../deploy/monitoring', import.meta.url))

export const hasPrometheus = ['prometheus', 'promtool'].every(
  (command) => spawnSync(command, ['--version']).status === 0
)
if (!hasPrometheus) process.stderr.write('\nTESTS WITH PROMETHEUS DID NOT RUN: scripts/ops-packages.sh installs it\n\n')

export interface Checked {
  readonly code: number | null
  readonly output: string
}

export function promtool(args: readonly string[], input = ''): Checked {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8', cwd: monitoring })
  return { code: status, output: stdout + stderr }
}

export interface Series {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

interface Rule {
  readonly name: string
  readonly health: string
  readonly lastError?: string
  readonly state: string
}

/** Prometheus with the configuration of deploy/, pointed at `target` and scraping every second. */
export class Prometheus {
  readonly #process: ChildProcess
  readonly #url: string
  readonly #directory: string
  #stderr = ''

  private constructor(directory: string, port: number) {
    this.#directory = directory
    this.#url = `http://127.0.0.1:${port}`
    this.#process = spawn(
      'prometheus',
      [
        `--config.file=${join(directory, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=warn'
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] }
    )
    this.#process.stderr!.on('data', (chunk) => {
      this.#stderr += chunk
    })
  }

  static async start(target: string): Promise<Prometheus> {
    const directory = mkdtempSync(join(tmpdir(), 'prometheus-'))
    cpSync(monitoring, directory, { recursive: true })
    const file = join(directory, 'prometheus.yml')
    const config = readFileSync(file, 'utf8')
    writeFileSync(file, config.replaceAll(/(interval): \d+s/g, '$1: 1s').replace('bootstrap-node:6061', target))
    const prometheus = new Prometheus(directory, await freePort())
    await prometheus.#ready()
    return prometheus
  }

  async query(query: string): Promise<readonly Series[]> {
    const { result } = await this.#get<{ result: readonly Series[] }>(`query?query=${encodeURIComponent(query)}`)
    return result
  }

  async rules(): Promise<readonly Rule[]> {
    const { groups } = await this.#get<{ groups: readonly { rules: readonly Rule[] }[] }>('rules')
    return groups.flatMap(({ rules }) => rules)
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      this.#process.kill('SIGTERM')
      await once(this.#process, 'exit')
    }
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** @throws Error with what Prometheus says of the question */
  async #get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${path}`)
    const { status, error, data } = (await response.json()) as { status: string; error?: string; data: T }
    if (status !== 'success') throw new Error(`${decodeURIComponent(path)}: ${error}`)
    return data
  }

  async #ready(): Promise<void> {
    for (let tries = 0; tries < 150 && this.#process.exitCode === null; tries++) {
      const ready = await fetch(`${this.#url}/-/ready`).catch(() => undefined)
      if (ready?.ok === true) return
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    await this.stop()
    throw new Error(`Prometheus did not start:\n${this.#stderr}`)
  }
}

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

/** The queries of a dashboard as Grafana sends them for all nodes. */
export function queriesOf(dashboard: string): Array<[title: string, query: string]> {
  const { panels } = JSON.parse(readFileSync(join(monitoring, dashboard), 'utf8')) as { panels: readonly Panel[] }
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }): [string, string] => [
      title,
      expr.replaceAll('$__rate_interval', '10s').replaceAll('$instance', '.*')
    ])
  )
}
