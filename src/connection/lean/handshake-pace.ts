import type { Clock } from '../../clock.ts'

/** A turn of the event loop that takes longer keeps those waiting who are here already. */
const turnMs = 10
export const mostPerTurn = 16
/** Newcomers get in however busy the node is: 80 a second even if each turn takes 50 ms. */
export const leastPerTurn = 4

/**
 * How many handshakes go on to what is heavy in a turn of the event loop: a key exchange and a signature, then the proof of
 * the peer, 1 to 2 ms of CPU in all. When the messages of hundreds are there at once, because a crowd came or this process
 * did not run for a moment, whoever is here would wait for all of them. So fewer go on when the last turn was long.
 */
export class HandshakePace {
  readonly #clock: Clock
  #lastMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** For a turn that begins now, while somebody waits. */
  next(): number {
    const nowMs = this.#clock.now()
    const tookMs = nowMs - this.#lastMs
    this.#lastMs = nowMs
    if (tookMs <= turnMs) return mostPerTurn
    return Math.max(leastPerTurn, Math.floor((mostPerTurn * turnMs) / tookMs))
  }
}
