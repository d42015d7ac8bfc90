import type { MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'
import type { Clock } from '../clock.ts'
import { ConnectionEnd } from '../connection/endings.ts'
import { Deadlines } from '../deadlines.ts'

/**
 * A Go client pings every 30 s (go-yamux 5.0, `MeasureRTTInterval` and `KeepAliveInterval`), so that who lives is heard before
 * it is asked: pings of our own, every 20 s, were half of what an idle connection cost.
 */
export const pingIntervalMs = 31_000
/** A peer that is frozen, or whose network is gone, is found within the sum and two ticks of 1 s: 43 s. Go takes 39 s. */
export const answerWithinMs = 10_000

/** A connection as this sees it. */
export interface Pingable {
  /** Asks for an answer, which counts as heard. */
  ping(): void
  abort(error: Error): void
}

/**
 * Finds dead peers: one that has not been heard for a while is pinged, and closed when it does not answer. Each connection is
 * on its own beat, so that pings never go out all at once. Holds one entry for each open connection.
 */
export class Liveness {
  readonly #quiet: Deadlines<Pingable>
  readonly #asked: Deadlines<Pingable>
  #isEnding = false

  constructor(clock: Clock) {
    this.#quiet = new Deadlines(clock, pingIntervalMs, (connection) => {
      this.#asked.set(connection)
      connection.ping()
    })
    this.#asked = new Deadlines(clock, answerWithinMs, (connection) => {
      this.#isEnding = true
      connection.abort(new ConnectionEnd('silent', `the peer has not answered a ping for ${answerWithinMs} ms`))
      this.#isEnding = false
    })
  }

  /** Whether a connection is being closed because its peer is silent: what is told of a close does not say why. */
  get isEnding(): boolean {
    return this.#isEnding
  }

  get watched(): number {
    return this.#quiet.size + this.#asked.size
  }

  watch(connection: Pingable): void {
    this.#quiet.set(connection)
  }

  /** The peer has sent something. Only for who is watched. */
  heard(connection: Pingable): void {
    this.#asked.drop(connection)
    this.#quiet.touch(connection)
  }

  forget(connection: Pingable): void {
    this.#quiet.drop(connection)
    this.#asked.drop(connection)
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
      const muxer = create(connection) as StreamMuxer & { ping(): Promise<number> }
      let isOpen = true
      const pingable: Pingable = {
        ping() {
          muxer.ping().then(
            () => {
              if (isOpen) liveness.heard(pingable)
            },
            // it is closing; its close event is on the way
            () => {}
          )
        },
        // aborting the muxer alone would leave the connection open
        abort: (error) => connection.abort(error)
      }
      liveness.watch(pingable)
      const forget = () => {
        isOpen = false
        liveness.forget(pingable)
      }
      connection.addEventListener('close', forget, { once: true })
      return muxer
    }
    return Object.assign(factory, { createStreamMuxer: watched })
  }
}
