import type { MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'
import type { Clock } from '../clock.ts'

/** A peer that is frozen, or whose network is gone, is found within the sum: Go takes 39 s. */
export const pingIntervalMs = 20_000
export const answerWithinMs = 15_000
const tickMs = 1_000

/** A connection as this sees it. */
export interface Pingable {
  /** Resolves with the answer; never rejects for a peer that does not answer. */
  ping(): Promise<number>
  abort(error: Error): void
}

/**
 * Finds dead peers by yamux pings: one timer for all, and each connection on its own beat, counted from when it came, so that
 * pings never go out all at once. Holds one entry for each open connection.
 */
export class Liveness {
  /** Connection → when its next ping is due; the soonest first, since all wait equally long. */
  readonly #idle = new Map<Pingable, number>()
  /** Connection → when its answer is due; the soonest first. */
  readonly #asked = new Map<Pingable, number>()
  readonly #clock: Clock
  #cancel = () => {}

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get watched(): number {
    return this.#idle.size + this.#asked.size
  }

  watch(connection: Pingable): void {
    if (this.watched === 0) this.#cancel = this.#clock.after(tickMs, this.#tick)
    this.#idle.set(connection, this.#clock.now() + pingIntervalMs)
  }

  forget(connection: Pingable): void {
    this.#idle.delete(connection)
    this.#asked.delete(connection)
    if (this.watched === 0) this.#cancel()
  }

  readonly #tick = (): void => {
    const nowMs = this.#clock.now()
    for (const [connection, dueMs] of this.#asked) {
      if (dueMs > nowMs) break
      this.forget(connection)
      connection.abort(new Error(`the peer has not answered a ping for ${answerWithinMs} ms`))
    }
    for (const [connection, dueMs] of this.#idle) {
      if (dueMs > nowMs) break
      this.#ask(connection, nowMs)
    }
    if (this.watched > 0) this.#cancel = this.#clock.after(tickMs, this.#tick)
  }

  #ask(connection: Pingable, nowMs: number): void {
    this.#idle.delete(connection)
    this.#asked.set(connection, nowMs + answerWithinMs)
    connection.ping().then(
      () => {
        if (this.#asked.delete(connection)) this.#idle.set(connection, this.#clock.now() + pingIntervalMs)
      },
      // it is closing; its close event is on the way
      () => {}
    )
  }
}

/**
 * yamux with {@link Liveness}. The keep-alive of `@libp2p/yamux` 8.0.3 waits for an answer without a deadline (muxer.ts), so a
 * frozen peer stays for ever, and costs a timer and two abort signals a connection.
 */
export function yamuxWithLiveness(liveness: Liveness): () => StreamMuxerFactory {
  return () => {
    const factory = yamux({ enableKeepAlive: false })()
    const create = factory.createStreamMuxer.bind(factory)
    const watched = (connection: MessageStream): StreamMuxer => {
      const muxer = create(connection)
      // aborting the muxer alone would leave the connection open
      const pingable: Pingable = { ping: () => muxer.ping(), abort: (error) => connection.abort(error) }
      liveness.watch(pingable)
      connection.addEventListener('close', () => liveness.forget(pingable), { once: true })
      return muxer
    }
    return Object.assign(factory, { createStreamMuxer: watched })
  }
}
