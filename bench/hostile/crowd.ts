import * as z from 'zod'
import { Daemon } from '../../test/interop/harness/daemon.ts'
import { goBinaries } from '../../test/interop/harness/go.ts'
import type { Server } from '../variants.ts'
import type { Attack } from './attacks.ts'

const READY_MS = 60_000
/** An answer may take 10 s before it counts as failed. */
const FACTS_MS = 30_000
const NEWCOMERS_A_SECOND = 4
/** Who comes first is ended when the honest clients have been measured. */
const UNTIL_ENDED_S = 600

/** What the honest clients saw while they measured, as test/interop/go/load/honest.go writes it. */
const seen = z.object({
  clients: z.number(),
  kept: z.number(),
  requests: z.number(),
  errors: z.number(),
  p50_ms: z.number(),
  p99_ms: z.number(),
  max_ms: z.number(),
  newcomers: z.number(),
  newcomers_joined: z.number(),
  join_p50_ms: z.number(),
  join_max_ms: z.number(),
  least_honest_share: z.number(),
  last_listed: z.number(),
  last_early: z.number(),
  last_late: z.number(),
  last_late_of: z.number(),
  errors_kinds: z.record(z.string(), z.number()).optional(),
  join_errors_kinds: z.record(z.string(), z.number()).optional()
})
export type Seen = z.infer<typeof seen>

const attacked = z.object({
  achieved: z.record(z.string(), z.number()),
  attacker_cpu_s: z.number(),
  attacker_errors_kinds: z.record(z.string(), z.number()).optional()
})
export type Attacked = z.infer<typeof attacked>

/** What both processes call the key that the honest clients meet at. */
const sameKey = ['-keytag', 'hostile', '-keys', '1']

/** Honest clients, each from an address prefix of its own. They look up each other and are joined by newcomers while they measure. */
export class HonestCrowd {
  readonly #process: Daemon

  private constructor(process: Daemon) {
    this.#process = process
  }

  /** @param away so many of them, at most half, have provided and left when this is over */
  static async join({ addr }: Pick<Server, 'addr'>, clients: number, away = 0): Promise<HonestCrowd> {
    const { load } = await goBinaries()
    const flags = [
      '-n',
      `${clients}`,
      '-away',
      `${away}`,
      '-qps',
      `${clients}`,
      '-rate',
      `${NEWCOMERS_A_SECOND}`,
      '-dialtimeout',
      '5'
    ]
    const process = await Daemon.start(load, ['honest', '-addr', addr, ...sameKey, ...flags], {})
    try {
      await process.line(/"ready":true/, READY_MS)
      return new HonestCrowd(process)
    } catch (error) {
      await process.kill()
      throw error
    }
  }

  beginMeasuring(): void {
    this.#process.process.kill('SIGUSR1')
  }

  async measured(): Promise<Seen> {
    const from = this.#process.printed
    this.#process.process.kill('SIGUSR2')
    const [line] = await this.#process.line(/^\{.*"kept".*\}$/, FACTS_MS, from)
    return seen.parse(JSON.parse(line))
  }

  async leave(): Promise<void> {
    await this.#process.kill()
  }
}

/** An attack that goes on, in one process on one core. */
export class RunningAttack {
  readonly #process: Daemon

  private constructor(process: Daemon) {
    this.#process = process
  }

  static async start(
    { mode, flags = {} }: Attack,
    { addr }: Pick<Server, 'addr'>,
    seconds = UNTIL_ENDED_S,
    admin?: string
  ): Promise<RunningAttack> {
    const { load } = await goBinaries()
    const given = Object.entries({ ...flags, ...(admin === undefined ? {} : { admin }) })
    const args = ['attack', '-addr', addr, '-attack', mode, '-t', `${seconds}`, '-dialtimeout', '5', ...sameKey]
    return new RunningAttack(
      await Daemon.start(load, [...args, ...given.map(([name, value]) => `-${name}=${value}`)], { GOMAXPROCS: '1' })
    )
  }

  /** Waits until it has done what a test that comes after it asks for. */
  async settled(): Promise<void> {
    await this.#process.line(/"settled":true/, READY_MS)
  }

  /** Tells it to end; {@link result} is what it has achieved by then. */
  end(): void {
    this.#process.process.kill('SIGTERM')
  }

  /** What it has achieved, once it is over. */
  async result(withinMs = FACTS_MS): Promise<Attacked> {
    try {
      const [line] = await this.#process.line(/^\{.*"achieved".*\}$/, withinMs)
      return attacked.parse(JSON.parse(line))
    } finally {
      await this.kill()
    }
  }

  async kill(): Promise<void> {
    await this.#process.kill()
  }
}

/** Runs the attack for so many seconds. */
export async function runAttack(
  attack: Attack,
  server: Pick<Server, 'addr'>,
  seconds: number,
  admin: string | undefined
): Promise<Attacked> {
  const running = await RunningAttack.start(attack, server, seconds, admin)
  return running.result(seconds * 1000 + FACTS_MS)
}
