import { tlsProtocol } from '../connection/protocols.ts'
import type { Entry } from './entries.ts'
import { RecencySet } from './recency.ts'

/**
 * So many connections may be strangers; for one more {@link Strangers.worst} is closed. A client answers the identify that it is asked for
 * within 0.2 s and a round trip, so that a thousand newcomers a second are some 500 strangers; who holds connections without a
 * word, from however many networks, loses them after seconds.
 */
export const maxStrangers = 2_500

/** Of those over TLS, which take 54 KB each, not 8. Beyond it newcomers are not offered TLS. */
export const maxTlsStrangers = 400

/** So many of those who came first are compared. */
const compared = 16

/** Connections of peers that have neither said who they are nor asked for anything since their handshake. */
export class Strangers {
  readonly #entries = new RecencySet<Entry>()
  #overTls = 0

  get size(): number {
    return this.#entries.size
  }

  get overTls(): number {
    return this.#overTls
  }

  /**
   * Of those who came first the one with the most strangers in its network: a client that is slow to answer, over a lossy path or far
   * away, is alone in its own as a rule, while who floods has a few networks.
   */
  worst(): Entry | undefined {
    let worst: Entry | undefined
    let left = compared
    for (const entry of this.#entries) {
      if (worst === undefined || entry.prefix.strangers > worst.prefix.strangers) worst = entry
      if (--left === 0) break
    }
    return worst
  }

  add(entry: Entry): void {
    this.#entries.use(entry)
    entry.prefix.strangers++
    if (isOverTls(entry)) this.#overTls++
  }

  /** It has said something, or is gone. */
  delete(entry: Entry): void {
    if (!this.#entries.delete(entry)) return
    entry.prefix.strangers--
    if (isOverTls(entry)) this.#overTls--
  }
}

export function isOverTls({ connection }: Pick<Entry, 'connection'>): boolean {
  return connection.encryption === tlsProtocol
}
