import type { Clock } from '../../clock.ts'

/** A client reserves when it starts, and again before the hour is over. */
export const reservesAtOnce = 4
export const reserveEveryMs = 10_000

interface Allowance {
  left: number
  atMs: number
}

/**
 * How often a reservation is given to each connection: a signature and an entry of the peer store, 0.2 ms. Nothing is kept for
 * one that is gone.
 *
 * @typeParam P the peer id as its connection has it
 */
export class ReservePace<P extends object> {
  readonly #clock: Clock
  readonly #allowances = new WeakMap<P, Allowance>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts a reservation; false: it is one too many. */
  allows(peer: P): boolean {
    const nowMs = this.#clock.now()
    const allowance = this.#allowances.get(peer) ?? { left: reservesAtOnce, atMs: nowMs }
    allowance.left = Math.min(reservesAtOnce, allowance.left + (nowMs - allowance.atMs) / reserveEveryMs)
    allowance.atMs = nowMs
    this.#allowances.set(peer, allowance)
    if (allowance.left < 1) return false
    allowance.left--
    return true
  }
}
