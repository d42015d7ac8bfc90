import type { Connection } from '@libp2p/interface'
import type { Clock } from '../../clock.ts'
import { Deadlines } from '../../deadlines.ts'
import type { ByteStream, ByteStreamHandler } from '../byte-stream.ts'
import { LeanConnection } from '../lean/connection.ts'
import { framed } from './message.ts'
import type { OwnMessage } from './own-message.ts'

export const pushProtocol = '/ipfs/id/push/1.0.0'

/** Peers that are told at a time, as in libp2p. */
const atOnce = 32
const takeWithinMs = 5_000

/**
 * Tells all connected peers when this node has changed (identify-push). Changes during a pass are told in one more pass, so
 * that there is one at a time however many there are.
 */
export class Pusher {
  readonly #own: OwnMessage
  readonly #connections: () => Iterable<Connection>
  readonly #deadlines: Deadlines<ByteStream>
  #pushing = false
  #again = false
  #stopped = false
  #busy = 0

  constructor(own: OwnMessage, connections: () => Iterable<Connection>, clock: Clock) {
    this.#own = own
    this.#connections = connections
    this.#deadlines = new Deadlines(clock, takeWithinMs, (stream) => stream.reset('the peer does not take the push'))
  }

  /** Peers that are being told. */
  get busy(): number {
    return this.#busy
  }

  /** @throws whatever kept this node from describing itself */
  async push(): Promise<void> {
    this.#again = true
    if (this.#pushing) return
    this.#pushing = true
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false
        const message = framed(await this.#own.get())
        const waiting = this.#connections()[Symbol.iterator]()
        await Promise.all(Array.from({ length: atOnce }, () => this.#tellNext(waiting, message)))
      }
    } finally {
      this.#pushing = false
    }
  }

  /** For good: whoever has not been told yet is not told. */
  stop(): void {
    this.#stopped = true
    this.#deadlines.clear()
  }

  async #tellNext(waiting: Iterator<Connection>, message: Uint8Array): Promise<void> {
    for (let next = waiting.next(); next.done !== true && !this.#stopped; next = waiting.next()) {
      this.#busy++
      // who does not speak it, or leaves meanwhile, is not told
      await this.#tell(next.value, message).catch(() => {})
      this.#busy--
    }
  }

  async #tell(connection: Connection, message: Uint8Array): Promise<void> {
    if (!(connection instanceof LeanConnection)) {
      const stream = await connection.newStream(pushProtocol)
      stream.send(message)
      await stream.close()
      return
    }
    await new Promise<void>((resolve, reject) => {
      const serve = (stream: ByteStream): ByteStreamHandler => {
        this.#deadlines.set(stream)
        stream.send(message)
        stream.close()
        return {
          onData: () => {},
          onDrain: () => {},
          onEnd: () => {},
          onClose: () => {
            this.#deadlines.drop(stream)
            resolve()
          }
        }
      }
      connection.openByteStream(pushProtocol, serve, reject)
    })
  }
}
