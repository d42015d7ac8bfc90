import type { Clock } from '../../clock.ts'

/** A turn of the event loop that takes longer keeps those waiting who are here already. */
const turnMs = 10

/** How many go on in a turn. */
export interface TurnShare {
  /** Of a short turn. */
  readonly most: number
  /** Newcomers get in however busy the node is. */
  readonly least: number
}

/**
 * To begin a handshake takes some 100 µs: reading what the newcomer offers, and answering. Fewer than this would not do: of
 * those that begin most may be sockets that are closed already.
 */
export const beginnings: TurnShare = { most: 64, least: 16 }

/** A key exchange and a signature, then the proof of the peer: 1 to 2 ms in all. 80 a second even if each turn takes 50 ms. */
export const heavyParts: TurnShare = { most: 16, least: 4 }

/**
 * How many handshakes go on in a turn of the event loop. When the messages of hundreds are there at once, because a crowd
 * came or this process did not run for a moment, whoever is here would wait for all of them. So fewer go on when the last
 * turn was long, whatever made it so.
 */
export class HandshakePace {
  readonly #clock: Clock
  readonly #share: TurnShare
  #lastMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, share: TurnShare) {
    this.#clock = clock
    this.#share = share
  }

  /** For a turn that begins now, while somebody waits. */
  next(): number {
    const { most, least } = this.#share
    const nowMs = this.#clock.now()
    const tookMs = nowMs - this.#lastMs
    this.#lastMs = nowMs
    if (tookMs <= turnMs) return most
    return Math.max(least, Math.floor((most * turnMs) / tookMs))
  }
}
