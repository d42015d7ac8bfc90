import { keyOf } from '../peers/peer-key.ts'
import type { Contact, Contacts, ProviderRecord } from './contacts.ts'

export interface ProviderBookLimits {
  /** Provider records in all. */
  readonly maxRecords: number
  /** Keys that one peer provides. */
  readonly maxKeysPerPeer: number
  /** Time that a record lives without being renewed. */
  readonly recordLifeMs: number
}

/**
 * - 48 h is the life that Go gives a record (kad-dht providers.ProvideValidity) and that clients rely on.
 * - 400,000 records: 50,000 peers on eight keys each.
 * - 2,000 keys a peer: a real client provides a dozen.
 */
export const defaultProviderBookLimits: ProviderBookLimits = {
  maxRecords: 400_000,
  maxKeysPerPeer: 2_000,
  recordLifeMs: 48 * 3_600_000
}

/** Go's FindPeers stops at 100; the rest is for clients that filter what they are told. */
export const maxListed = 1_000

/**
 * Which peer provides which key. All records live equally long, so the order of renewal is the order of expiry and the
 * oldest is always the first of an insertion-ordered collection: expiry and eviction cost O(1) a record, without sweep.
 */
export class ProviderBook {
  /** key → peer → record; in each the oldest renewal first. */
  readonly #byKey = new Map<string, Map<string, ProviderRecord>>()
  readonly #byAge = new Set<ProviderRecord>()
  readonly #contacts: Contacts
  readonly #onProviding: (peer: string, providing: boolean) => void
  readonly #limits: ProviderBookLimits

  /** @param onProviding told with the first record of a peer and when its last has gone */
  constructor(
    contacts: Contacts,
    onProviding: (peer: string, providing: boolean) => void,
    limits: ProviderBookLimits = defaultProviderBookLimits
  ) {
    this.#contacts = contacts
    this.#onProviding = onProviding
    this.#limits = limits
  }

  get records(): number {
    return this.#byAge.size
  }

  get keys(): number {
    return this.#byKey.size
  }

  /**
   * Adds or renews the record of the peer `id`. At a bound the oldest makes room: of this peer at its own bound, else of
   * all.
   *
   * @param addrs binary multiaddrs, which live as long as the record
   */
  add(id: Uint8Array, addrs: readonly Uint8Array[], key: Uint8Array, nowMs: number): void {
    this.expire(nowMs)
    const contact = this.#contacts.provided(id, addrs)
    const keyText = keyOf(key)
    const providers = this.#byKey.get(keyText) ?? new Map<string, ProviderRecord>()
    const record = providers.get(contact.key) ?? { key: keyText, contact, expiresAtMs: 0 }
    record.expiresAtMs = nowMs + this.#limits.recordLifeMs

    // out and in again: the renewed record becomes the youngest everywhere
    this.#byAge.delete(record)
    this.#byAge.add(record)
    providers.delete(contact.key)
    providers.set(contact.key, record)
    contact.provides.delete(keyText)
    contact.provides.set(keyText, record)
    if (contact.provides.size === 1) this.#onProviding(contact.key, true)
    this.#byKey.set(keyText, providers)

    // only now: a peer whose last record made room would not be known any more
    if (contact.provides.size > this.#limits.maxKeysPerPeer) this.#remove(first(contact.provides.values()))
    if (this.#byAge.size > this.#limits.maxRecords) this.#remove(first(this.#byAge))
  }

  /** At most {@link maxListed} of those who provide `key`: connected before away, and newest first in both. */
  providers(key: Uint8Array, nowMs: number): readonly Contact[] {
    this.expire(nowMs)
    const here: Contact[] = []
    const away: Contact[] = []
    for (const { contact } of this.#byKey.get(keyOf(key))?.values() ?? []) {
      ;(contact.connections > 0 ? here : away).push(contact)
    }
    return [...here.reverse(), ...away.reverse()].slice(0, maxListed)
  }

  /** Removes the records whose life is over; costs nothing when there are none. */
  expire(nowMs: number): void {
    for (const record of this.#byAge) {
      if (record.expiresAtMs > nowMs) break
      this.#remove(record)
    }
  }

  #remove(record: ProviderRecord | undefined): void {
    if (record === undefined) return
    this.#byAge.delete(record)
    record.contact.provides.delete(record.key)
    if (record.contact.provides.size === 0) this.#onProviding(record.contact.key, false)
    this.#contacts.dropIfUnused(record.contact)
    const providers = this.#byKey.get(record.key)
    providers?.delete(record.contact.key)
    if (providers?.size === 0) this.#byKey.delete(record.key)
  }
}

function first<T>(values: Iterable<T>): T | undefined {
  for (const value of values) return value
  return undefined
}
