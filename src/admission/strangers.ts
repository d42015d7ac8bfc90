import { tlsProtocol } from '../connection/protocols.ts'
import type { Entry } from './connection-index.ts'
import { RecencySet } from './recency.ts'

/**
 * So many connections may be strangers; who came first is closed for one more. A client answers the identify that it is asked for within
 * 0.2 s and a round trip, so that a thousand newcomers a second are some 500 strangers; who holds connections without a word,
 * from however many networks, loses them after seconds.
 */
export const maxStrangers = 2_500

/** Of those over TLS, which take 54 KB each, not 8. Beyond it newcomers are not offered TLS. */
export const maxTlsStrangers = 400

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

  /** The one that came first. */
  get first(): Entry | undefined {
    return this.#entries.first
  }

  add(entry: Entry): void {
    this.#entries.use(entry)
    if (isOverTls(entry)) this.#overTls++
  }

  /** It has said something, or is gone. */
  delete(entry: Entry): void {
    if (this.#entries.delete(entry) && isOverTls(entry)) this.#overTls--
  }
}

export function isOverTls({ connection }: Pick<Entry, 'connection'>): boolean {
  return connection.encryption === tlsProtocol
}
