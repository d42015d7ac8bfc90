import type { Multiaddr } from '@multiformats/multiaddr'
import { bytesOf } from '../../peers/peer-key.ts'
import type { Contact } from '../contacts.ts'
import { decodePeer } from '../wire.ts'
import type { FormerPeer } from './restore.ts'

/** A cut is found at each connection on its own beat: see host/liveness.ts. All are found within the 31 s of a beat and two ticks. */
export const cutWithinMs = 45_000
/** Fewer may be one household. */
export const leastLost = 8
/** In 45 s some in a thousand go silent as a rule: laptops that are closed, telephones out of reach. */
export const lostShareOfAll = 0.25

/**
 * Whether so many have gone silent at once that the network was cut, and not they.
 *
 * @param lost in {@link cutWithinMs}
 * @param connected those who are left
 */
export function isCut(lost: number, connected: number): boolean {
  return lost >= leastLost && lost >= (lost + connected) * lostShareOfAll
}

interface Lost {
  readonly atMs: number
  /** The Peer message with where it listens, one character a byte. */
  readonly encoded: string
  readonly remote: Uint8Array
}

/**
 * Peers whose connections ended because nothing was heard of them any more: those of the last {@link cutWithinMs}, and from a cut
 * on all of them, until they are taken out. Holds as many as were connected, in what the contacts held of them before.
 */
export class LostPeers {
  /** The one that was lost last, last. */
  readonly #peers = new Map<string, Lost>()
  readonly #max: number
  #wasCut = false

  /** @param max for one too many, the longest lost is forgotten */
  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#peers.size
  }

  /** Whether there was a cut since the last {@link forget}. */
  get wasCut(): boolean {
    return this.#wasCut
  }

  keys(): Iterable<string> {
    return this.#peers.keys()
  }

  /** The binary multiaddr that its connection came from; undefined: it is not among them. */
  remoteOf(peer: string): Uint8Array | undefined {
    return this.#peers.get(peer)?.remote
  }

  /**
   * One without an address is not counted: there is no way back to it.
   *
   * @param remote where its connection came from
   * @param connected how many peers are left
   */
  add(contact: Pick<Contact, 'key' | 'encoded'>, remote: Multiaddr, connected: number, nowMs: number): void {
    if (contact.encoded === undefined) return
    if (!this.#wasCut) this.#forgetUntil(nowMs - cutWithinMs)
    this.#peers.delete(contact.key)
    this.#peers.set(contact.key, { atMs: nowMs, encoded: contact.encoded, remote: remote.bytes })
    for (const oldest of this.#peers.keys()) {
      if (this.#peers.size <= this.#max) break
      this.#peers.delete(oldest)
    }
    this.#wasCut ||= isCut(this.#peers.size, connected)
  }

  /** It is back, or cannot be brought back. */
  delete(peer: string): void {
    this.#peers.delete(peer)
  }

  forget(): void {
    this.#peers.clear()
    this.#wasCut = false
  }

  /**
   * The newest first.
   *
   * @param from so many of them are left out; beyond the last it begins anew
   * @param seenAtMs wall time
   * @param dialFailed whether it could not be dialled before where it listens
   */
  newest(
    count: number,
    from: number,
    seenAtMs: number,
    dialFailed: (peer: string, encoded: string) => boolean
  ): FormerPeer[] {
    const keys = [...this.#peers.keys()].reverse()
    const start = keys.length === 0 ? 0 : from % keys.length
    return [...keys.slice(start), ...keys.slice(0, start)].slice(0, count).flatMap((key) => {
      const { encoded, remote } = this.#peers.get(key) ?? {}
      const addrs = encoded && decodePeer(new Uint8Array(bytesOf(encoded)))?.addrs
      if (encoded === undefined || remote === undefined || !addrs) return []
      return { key, addrs, remote, seenAtMs, dialFailed: dialFailed(key, encoded) }
    })
  }

  #forgetUntil(timeMs: number): void {
    for (const [peer, { atMs }] of this.#peers) {
      if (atMs > timeMs) break
      this.#peers.delete(peer)
    }
  }
}
