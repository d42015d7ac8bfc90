import { type Entry, isOverTls } from './entries.ts'
import { RecencySet } from './recency.ts'

/**
 * So many connections may be strangers; for one more {@link Strangers.worst} is closed. A client answers the identify that it is asked for
 * within 0.2 s and a round trip, so that a thousand newcomers a second are some 500 strangers; who holds connections without a
 * word, from however many networks, loses them after seconds.
 */
export const maxStrangers = 2_000

/** Of them over TLS, at 54 KB each instead of 8; with so many newcomers are not offered it. */
export const maxTlsStrangers = 400
/** Who has it for so long without a word, as long as an identify may take, makes room for others then. */
export const tlsStrangerForMs = 5_000

/** So many of those who came first are compared. */
const compared = 16

/** Connections of peers that have neither said who they are nor asked for anything since their handshake. */
export class Strangers {
  readonly #entries = new RecencySet<Entry>()
  readonly #overTls = new RecencySet<Entry>()

  get size(): number {
    return this.#entries.size
  }

  get overTls(): number {
    return this.#overTls.size
  }

  /** Nobody else is to be offered TLS. */
  get hasTlsEnough(): boolean {
    return this.#overTls.size >= maxTlsStrangers
  }

  /** Who is to be closed, as there is one too many. */
  get surplus(): Entry | undefined {
    return this.#entries.size > maxStrangers ? this.worst() : undefined
  }

  /** Who is to be closed for one who asks for TLS. */
  tlsSurplus(nowMs: number): Entry | undefined {
    const { first } = this.#overTls
    if (first === undefined || !this.hasTlsEnough) return undefined
    return nowMs - first.openedAtMs >= tlsStrangerForMs ? first : undefined
  }

  /**
   * Of those who came first the one with the most strangers in its network: a client that is slow to answer, over a lossy path or far
   * away, is alone in its own as a rule, while who floods has a few networks. An exempt address may hide many, and is no crowd.
   */
  worst(): Entry | undefined {
    let worst: Entry | undefined
    let left = compared
    for (const entry of this.#entries) {
      if (worst === undefined || crowdOf(entry) > crowdOf(worst)) worst = entry
      if (--left === 0) break
    }
    return worst
  }

  add(entry: Entry): void {
    this.#entries.use(entry)
    entry.prefix.strangers++
    if (isOverTls(entry)) this.#overTls.use(entry)
  }

  /** It has said something, or is gone. */
  delete(entry: Entry): void {
    if (!this.#entries.delete(entry)) return
    entry.prefix.strangers--
    this.#overTls.delete(entry)
  }
}

function crowdOf({ address, prefix }: Entry): number {
  return address === undefined ? 1 : prefix.strangers
}
