import * as z from 'zod'
import { Daemon } from '../../test/interop/harness/daemon.ts'
import { goBinaries } from '../../test/interop/harness/go.ts'
import type { Server } from '../variants.ts'
import type { Attack } from './attacks.ts'

const READY_MS = 60_000
/** An answer may take 10 s before it counts as failed. */
const FACTS_MS = 30_000
const NEWCOMERS_A_SECOND = 4

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

  static async join({ addr }: Pick<Server, 'addr'>, clients: number): Promise<HonestCrowd> {
    const { load } = await goBinaries()
    const flags = ['-n', `${clients}`, '-qps', `${clients}`, '-rate', `${NEWCOMERS_A_SECOND}`, '-dialtimeout', '5']
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

/** Runs the attack in one process on one core, for so many seconds. */
export async function runAttack(
  { mode, flags = {} }: Attack,
  { addr }: Pick<Server, 'addr'>,
  seconds: number,
  admin: string | undefined
): Promise<Attacked> {
  const { load } = await goBinaries()
  const given = Object.entries({ ...flags, ...(admin === undefined ? {} : { admin }) })
  const args = ['attack', '-addr', addr, '-attack', mode, '-t', `${seconds}`, '-dialtimeout', '5', ...sameKey]
  const process = await Daemon.start(load, [...args, ...given.map(([name, value]) => `-${name}=${value}`)], {
    GOMAXPROCS: '1'
  })
  try {
    const [line] = await process.line(/^\{.*"achieved".*\}$/, seconds * 1000 + FACTS_MS)
    return attacked.parse(JSON.parse(line))
  } finally {
    await process.kill()
  }
}
