import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as rest } from 'node:timers/promises'
import type { Daemon } from '../../interop/harness/daemon.ts'
import { found, type Survivor, Survivors } from '../../interop/harness/survivors.ts'
import { freePort, type Place, startTarget, type Target } from '../../interop/harness/target.ts'
import type { Row } from './report.ts'
import { plain, type Surroundings } from './surroundings.ts'

export const crowdSize = 20
/** Several polls of each client. */
const settleMs = process.env.FAULTS === 'short' ? 2_000 : 6_000
const newcomersWithinMs = 45_000

export type NodeKind = 'ours' | 'baseline'

/** A node with clients that search once a second, before, during and after a fault. */
export class Site {
  readonly kind: NodeKind
  readonly surroundings: Surroundings
  readonly #place: Place
  readonly #env: Readonly<Record<string, string>>
  readonly #dataDir: string
  #target: Target
  #survivors: Survivors | undefined
  #beganMs = 0
  #overMs: number | undefined

  private constructor(parts: {
    kind: NodeKind
    surroundings: Surroundings
    place: Place
    env: Readonly<Record<string, string>>
    dataDir: string
    target: Target
  }) {
    this.kind = parts.kind
    this.surroundings = parts.surroundings
    this.#place = parts.place
    this.#env = parts.env
    this.#dataDir = parts.dataDir
    this.#target = parts.target
  }

  static async open(
    kind: NodeKind,
    make: () => Surroundings | Promise<Surroundings> = plain,
    more: Readonly<Record<string, string>> = {}
  ): Promise<Site> {
    const surroundings = await make()
    const dataDir = surroundings.dataDir ?? mkdtempSync(join(tmpdir(), 'faults-'))
    try {
      const place: Place = { port: await freePort(), identity: 'faults', ...surroundings.place }
      const state = kind === 'ours' ? { DATA_DIR: dataDir, LOG_LEVEL: 'info', LOG_PEER_CONNECTIONS: 'true' } : {}
      const env = { ...state, ...surroundings.env, ...more }
      const target = await startTarget(env, place, kind)
      return new Site({ kind, surroundings, place, env, dataDir, target })
    } catch (error) {
      surroundings.remove()
      throw error
    }
  }

  get target(): Target {
    return this.#target
  }

  get daemon(): Daemon {
    if (this.#target.daemon === undefined) throw new Error('a node of somebody else')
    return this.#target.daemon
  }

  get pid(): number {
    const { pid } = this.daemon.process
    if (pid === undefined) throw new Error('the node did not start')
    return pid
  }

  get rendezvous(): ReadonlyMap<string, readonly string[]> {
    return this.#survivors?.providers ?? new Map()
  }

  async crowd(): Promise<void> {
    this.#survivors = await Survivors.join(this.#target, crowdSize)
    await rest(2_000)
    this.#beganMs = Date.now()
  }

  /** The node is started again at the same place, after it was killed. */
  async restart(): Promise<void> {
    await this.daemon.kill()
    this.#target = await startTarget({ ...this.#env }, this.#place, this.kind)
  }

  /** How many of those who provide a newcomer does not find; who is not served at all misses everybody. */
  async missedByNewcomer(): Promise<number> {
    const missed = await Promise.all(
      [...this.rendezvous].map(async ([rendezvous, ids]) => {
        const got = await found(this.#target, rendezvous).catch((): string[] => [])
        return ids.filter((id) => !got.includes(id)).length
      })
    )
    return missed.reduce((sum, count) => sum + count, 0)
  }

  /** The distinct peers whose disconnection the node has told of, from this line of its log on. */
  disconnected(from: number): ReadonlySet<string> {
    const { lines, printed } = this.daemon
    const since = lines.slice(Math.max(0, lines.length - (printed - from)))
    return new Set(since.flatMap((line) => /Bootstrap Peer disconnected: (\w+)/.exec(line)?.[1] ?? []))
  }

  /** To be called when the fault has ended, where its consequences are waited for. */
  over(): void {
    this.#overMs = Date.now()
  }

  /** What became of all, once the fault is over and newcomers are served as before or the patience is at its end. */
  async recovered(fault: string, promise: string, note = ''): Promise<Row> {
    const endedMs = Date.now()
    let missed = await this.missedByNewcomer()
    let newcomerServedMs = Date.now() - endedMs
    while (missed > 0 && Date.now() - endedMs < newcomersWithinMs) {
      await rest(500)
      missed = await this.missedByNewcomer()
      newcomerServedMs = Date.now() - endedMs
    }
    await rest(settleMs)
    const seen = (await this.#survivors?.finish()) ?? []
    this.#survivors = undefined
    return {
      fault,
      promise,
      node: this.kind,
      ...this.#figures(seen, this.#overMs ?? endedMs),
      missed,
      newcomerServedMs,
      note
    }
  }

  #figures(seen: readonly Survivor[], endedMs: number) {
    const cut = seen.filter((one) => Math.max(one.connected, one.disconnected) >= this.#beganMs)
    return {
      clients: seen.length,
      cut: cut.length,
      lost: seen.filter(({ in_table }) => !in_table).length,
      pollsFailed: seen.reduce((sum, { failed }) => sum + failed, 0),
      polls: seen.reduce((sum, { polls }) => sum + polls, 0),
      neverServed: cut.filter(({ served }) => served === 0).length,
      servedAgainMs: Math.max(0, ...cut.map(({ served }) => served - endedMs))
    }
  }

  async close(): Promise<void> {
    await this.#survivors?.kill()
    await this.daemon.kill()
    this.surroundings.remove()
    rmSync(this.#dataDir, { recursive: true, force: true })
  }
}
