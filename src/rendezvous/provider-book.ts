import { keyOf } from '../peers/peer-key.ts'
import { AnswerCache } from './answer-cache.ts'
import type { Ends } from './chain.ts'
import type { Contact, Contacts, ProviderObserver } from './contacts.ts'
import { encodePeers, maxProvidersBytes } from './encode.ts'
import { listedOf } from './listing.ts'
import { ProviderFiles } from './provider-files.ts'
import { byAge, contactBytes, KeyEntry, keyBytes, ProviderRecord, recordBytes } from './provider-records.ts'
import type { Remembering } from './remembered/memory.ts'
import type { SourceLimits } from './source-limits.ts'

export interface ProviderLimits extends SourceLimits {
  /** Provider records in all. */
  readonly maxRecords: number
  /** Providers of one key. */
  readonly maxPerKey: number
  /** Keys that one peer provides. */
  readonly maxPerPeer: number
  /** Memory of all records, with their keys and addresses. */
  readonly maxBytes: number
}

/** Which bound a record had to make room at: keys of its peer, providers of its key, its source's memory, records in all, memory. */
export type ProviderEvictionReason = 'perPeer' | 'perKey' | 'source' | 'records' | 'memory'

/** The life that Go gives a record (kad-dht providers.ProvideValidity) and that clients rely on. */
export const recordLifeMs = 48 * 3_600_000

/** A renewal that moves the end by less is not written, so a record that is restored ends an hour early at most. */
export const writtenWithinMs = 3_600_000

const nothing = new Uint8Array(0)

/**
 * Which peer provides which key. All records live equally long, so the order of renewal is the order of expiry; expiry and
 * eviction cost O(1) a record, without sweep. A peer that comes or leaves has its records filed anew, which is bounded by
 * what one peer may provide: 0.5 ms of CPU for 1,000; a real client has a dozen.
 */
export class ProviderBook implements ProviderObserver {
  readonly evictions: Record<ProviderEvictionReason, number> = {
    perPeer: 0,
    perKey: 0,
    source: 0,
    records: 0,
    memory: 0
  }
  readonly #byKey = new Map<string, KeyEntry>()
  readonly #byAge: Ends<ProviderRecord> = { first: undefined, last: undefined }
  readonly #files: ProviderFiles
  readonly #cache = new AnswerCache()
  readonly #contacts: Contacts
  readonly #onProviding: (peer: string, providing: boolean) => void
  readonly #limits: ProviderLimits
  #memory: Remembering | undefined
  #records = 0
  #bytes = 0

  /** @param onProviding told with the first record of a peer and when its last has gone */
  constructor(contacts: Contacts, onProviding: (peer: string, providing: boolean) => void, limits: ProviderLimits) {
    this.#contacts = contacts
    this.#onProviding = onProviding
    this.#limits = limits
    this.#files = new ProviderFiles(limits)
    contacts.observe(this)
  }

  get records(): number {
    return this.#records
  }

  get keys(): number {
    return this.#byKey.size
  }

  /** Estimate of the memory of all records, their keys and their peers' addresses; without cached answers. */
  get bytes(): number {
    return this.#bytes
  }

  /** Address prefixes that records came from. */
  get sources(): number {
    return this.#files.sources
  }

  /** All keys, in no order, each with its number of records and of those whose peers are connected. */
  keyCounts(): Iterable<Pick<KeyEntry, 'text' | 'records' | 'connected'>> {
    return this.#byKey.values()
  }

  /** Told of the records that are new, renewed or gone. */
  rememberWith(memory: Remembering): void {
    this.#memory = memory
  }

  /**
   * Adds or renews the record of the peer `id`; at a bound another makes room. Nothing happens without a usable address.
   *
   * @param addrs binary multiaddrs, which live as long as the record
   * @param prefix of the address that this was sent from
   */
  add(id: Uint8Array, addrs: readonly Uint8Array[], key: Uint8Array, prefix: string, nowMs: number): void {
    this.expire(nowMs)
    const contact = this.#contacts.provided(id, addrs)
    if (contact === undefined) return
    const record = this.#put(contact, keyOf(key), prefix, nowMs + recordLifeMs)
    this.#remember(record)
    this.#bound(record)
  }

  /**
   * A record from before this process. To be called in the order of expiry, before anything is added, with a life that is no
   * longer than that of a new one.
   */
  restore(contact: Contact, key: string, prefix: string, expiresAtMs: number): void {
    const record = this.#put(contact, key, prefix, expiresAtMs)
    record.writtenMinute = minuteOf(expiresAtMs)
    this.#bound(record)
  }

  /** Those of the providers of `key` that are listed, in the order of {@link listedOf}. */
  providers(key: Uint8Array, nowMs: number): readonly Contact[] {
    this.expire(nowMs)
    const entry = this.#byKey.get(keyOf(key))
    return entry === undefined ? [] : listedOf(entry)
  }

  /** The same as a part of an answer, which is put together once and kept until something changes. */
  encodedProviders(key: Uint8Array, nowMs: number): Uint8Array {
    this.expire(nowMs)
    const entry = this.#byKey.get(keyOf(key))
    if (entry === undefined) return nothing
    const cached = this.#cache.get(entry)
    if (cached !== undefined) return cached
    const encoded = encodePeers('provider', listedOf(entry), maxProvidersBytes)
    this.#cache.keep(entry, encoded)
    return encoded
  }

  /** Removes the records whose life is over; costs nothing when there are none. */
  expire(nowMs: number): void {
    for (let oldest = this.#byAge.last; oldest !== undefined; oldest = this.#byAge.last) {
      if (oldest.expiresAtMs > nowMs) break
      this.#remove(oldest)
    }
    this.#makeRoom()
  }

  cameOrLeft(contact: Contact): void {
    for (const record of contact.provides.values()) {
      this.#files.fileAgain(record)
      this.#cache.drop(record.key)
    }
  }

  encodedAnew(contact: Contact, moreBytes: number): void {
    this.#bytes += moreBytes
    for (const record of contact.provides.values()) {
      this.#cache.drop(record.key)
      if (bearsContact(record)) this.#files.changeWeight(record, moreBytes)
    }
  }

  /** Adds or renews a record, bounds or not. */
  #put(contact: Contact, text: string, prefix: string, expiresAtMs: number): ProviderRecord {
    const known = contact.provides.get(text)
    const record = known ?? new ProviderRecord(this.#entry(text), contact)
    if (known === undefined) this.#count(record)
    else {
      byAge.remove(this.#byAge, record)
      contact.provides.delete(text)
      this.#files.takeOut(record)
    }
    record.expiresAtMs = expiresAtMs
    byAge.addFirst(this.#byAge, record)
    // the key's own text: each record would keep a copy
    contact.provides.set(record.key.text, record)
    this.#files.file(record, prefix)
    this.#cache.drop(record.key)
    if (contact.provides.size === 1) this.#onProviding(contact.key, true)
    return record
  }

  /** To be called once the record is there: a peer whose last record makes room would not be known any more. */
  #bound(newcomer: ProviderRecord): void {
    const { contact, key } = newcomer
    if (contact.provides.size > this.#limits.maxPerPeer) this.#evict(firstOf(contact.provides), 'perPeer')
    if (key.records > this.#limits.maxPerKey) this.#evict(this.#files.worstOfKey(newcomer), 'perKey')
    this.#makeRoom()
  }

  #remember(record: ProviderRecord): void {
    const minute = minuteOf(record.expiresAtMs)
    if (this.#memory === undefined || minute - record.writtenMinute < writtenWithinMs / 60_000) return
    record.writtenMinute = minute
    this.#memory.recordChanged(record)
  }

  #makeRoom(): void {
    for (;;) {
      // each time, as what a peer's memory counts for goes to another of its records, maybe of another source
      const surplus = this.#files.surplus()
      const reason = surplus === undefined ? this.#exceeded() : 'source'
      if (reason === undefined) break
      const worst = surplus ?? this.#files.worst()
      if (worst === undefined) break
      this.#evict(worst, reason)
    }
  }

  #exceeded(): ProviderEvictionReason | undefined {
    if (this.#records > this.#limits.maxRecords) return 'records'
    return this.#bytes > this.#limits.maxBytes ? 'memory' : undefined
  }

  #evict(record: ProviderRecord | undefined, reason: ProviderEvictionReason): void {
    if (record === undefined) return
    this.evictions[reason]++
    this.#remove(record)
  }

  #entry(text: string): KeyEntry {
    let entry = this.#byKey.get(text)
    if (entry === undefined) {
      entry = new KeyEntry(text)
      this.#byKey.set(text, entry)
      this.#bytes += keyBytes + text.length
    }
    return entry
  }

  /** Of one that is not filed yet. */
  #count(record: ProviderRecord): void {
    const { key, contact } = record
    this.#records++
    key.records++
    if (contact.provides.size === 0) record.weight += bytesOf(contact)
    this.#bytes += record.weight
  }

  #remove(record: ProviderRecord): void {
    const { key, contact } = record
    byAge.remove(this.#byAge, record)
    this.#files.takeOut(record)
    this.#cache.drop(key)
    contact.provides.delete(key.text)
    this.#records--
    this.#bytes -= recordBytes
    this.#memory?.recordChanged(record)
    const heir = firstOf(contact.provides)
    if (heir !== undefined) {
      if (bearsContact(record)) this.#files.changeWeight(heir, bytesOf(contact))
    } else {
      this.#bytes -= bytesOf(contact)
      this.#onProviding(contact.key, false)
      this.#contacts.dropIfUnused(contact)
    }
    if (--key.records > 0) return
    this.#byKey.delete(key.text)
    this.#bytes -= keyBytes + key.text.length
  }
}

function bytesOf(contact: Contact): number {
  return contactBytes + (contact.encoded?.length ?? 0)
}

function bearsContact(record: ProviderRecord): boolean {
  return record.weight > recordBytes
}

/** A small integer, which takes no memory of its own. */
function minuteOf(timeMs: number): number {
  return Math.floor(timeMs / 60_000)
}

function firstOf<T>(values: ReadonlyMap<string, T>): T | undefined {
  for (const value of values.values()) return value
  return undefined
}
