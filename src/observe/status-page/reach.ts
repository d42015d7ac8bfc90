import type { Clock } from '../../clock.ts'
import type { ReadinessProbe } from '../admin/health.ts'
import type { Reach } from './report.ts'

/** A probe costs a handshake on both ends; a page that is open all day must not make many. */
const validMs = 30_000

/** Whether the node answers, as the last probe found. Who reads waits for one only when the last had no answer. */
export class LastReach {
  readonly #readiness: Pick<ReadinessProbe, 'read'>
  readonly #clock: Clock
  #last: Reach | undefined
  #lastAtMs = 0
  #asking: Promise<Reach> | undefined

  constructor(readiness: Pick<ReadinessProbe, 'read'>, clock: Clock) {
    this.#readiness = readiness
    this.#clock = clock
  }

  async read(): Promise<Reach> {
    const last = this.#last
    if (last?.ok === true && this.#clock.now() - this.#lastAtMs < validMs) return last
    this.#asking ??= this.#ask()
    return last?.ok === true ? last : this.#asking
  }

  async #ask(): Promise<Reach> {
    try {
      const { ready, checks } = await this.#readiness.read()
      const telling = checks.find(({ ok }) => !ok) ?? checks.at(-1)
      this.#last = { ok: ready, detail: telling?.detail ?? '' }
      this.#lastAtMs = this.#clock.now()
      return this.#last
    } finally {
      this.#asking = undefined
    }
  }
}
