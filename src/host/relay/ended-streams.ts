import type { Stream } from '@libp2p/interface'
import type { Clock } from '../../clock.ts'
import { Deadlines } from '../../deadlines.ts'

/** How long the other side may take to close its half after this one: Go drops what it has not read of a stream that is reset. */
export const lingerMs = 10_000

/** Streams on which all is said. Nothing of what comes is kept, and one whose peer does not close it is reset. */
export class EndedStreams {
  readonly #deadlines: Deadlines<Stream>

  constructor(clock: Clock) {
    this.#deadlines = new Deadlines(clock, lingerMs, (stream) => {
      stream.abort(new Error('the peer did not close its side'))
    })
  }

  get size(): number {
    return this.#deadlines.size
  }

  end(stream: Stream): void {
    if (stream.status !== 'open' && stream.status !== 'closing') return
    this.#deadlines.set(stream)
    stream.addEventListener('close', () => this.#deadlines.drop(stream), { once: true })
    const abort = (cause: Error) => stream.abort(cause)
    stream.closeRead().catch(abort)
    stream.close().catch(abort)
  }
}
