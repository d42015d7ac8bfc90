import type { Clock } from '../../clock.ts'

/** A peer pushes when its addresses or protocols change: some at once when it starts, one in minutes later. */
export const pushesAtOnce = 16
const pushEveryMs = 1_000

interface Allowance {
  left: number
  atMs: number
}

/** How often each connection may push what its peer says of itself: to read and pass on a long message takes 150 µs. */
export class PushPace<C extends object> {
  readonly #clock: Clock
  /** One for each connection that has pushed, until it is forgotten. */
  readonly #allowances = new Map<C, Allowance>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#allowances.size
  }

  /** Counts a push; false: it is one too many. */
  allows(connection: C): boolean {
    const nowMs = this.#clock.now()
    const allowance = this.#allowances.get(connection) ?? { left: pushesAtOnce, atMs: nowMs }
    allowance.left = Math.min(pushesAtOnce, allowance.left + (nowMs - allowance.atMs) / pushEveryMs)
    allowance.atMs = nowMs
    this.#allowances.set(connection, allowance)
    if (allowance.left < 1) return false
    allowance.left--
    return true
  }

  forget(connection: C): void {
    this.#allowances.delete(connection)
  }
}
