import { keyOf } from '../peers/peer-key.ts'
import { AnswerCache } from './answer-cache.ts'
import type { Ends } from './chain.ts'
import type { Contact, Contacts, ProviderObserver } from './contacts.ts'
import { encodePeers, maxProvidersBytes } from './encode.ts'
import { ProviderFiles } from './provider-files.ts'
import { byAge, type Crowd, inCrowd, inRing, KeyEntry, ProviderRecord } from './provider-records.ts'
import type { Remembering } from './remembered/memory.ts'

export interface ProviderLimits {
  /** Provider records in all. */
  readonly maxRecords: number
  /** Providers of one key. */
  readonly maxPerKey: number
  /** Keys that one peer provides. */
  readonly maxPerPeer: number
  /** Memory of all records, with their keys and addresses. */
  readonly maxBytes: number
}

/** Which bound a record had to make room at: keys of its peer, providers of its key, records in all, memory. */
export type ProviderEvictionReason = 'perPeer' | 'perKey' | 'records' | 'memory'

/** The life that Go gives a record (kad-dht providers.ProvideValidity) and that clients rely on. */
export const recordLifeMs = 48 * 3_600_000

/** A renewal that moves the end by less is not written, so a record that is restored ends an hour early at most. */
export const writtenWithinMs = 3_600_000

/** Go's FindPeers stops at 100; the rest is for clients that filter what they are told. */
export const maxListed = 1_000

/** What an object of each kind takes on the heap of Node 20 and 24, its share of the collections included; measured. */
const recordBytes = 320
const keyBytes = 180
const contactBytes = 600

const nothing = new Uint8Array(0)

/**
 * Which peer provides which key. All records live equally long, so the order of renewal is the order of expiry; expiry and
 * eviction cost O(1) a record, without sweep. A peer that comes or leaves has its records filed anew, which is bounded by
 * what one peer may provide: 0.5 ms of CPU for 1,000; a real client has a dozen.
 */
export class ProviderBook implements ProviderObserver {
  readonly evictions: Record<ProviderEvictionReason, number> = { perPeer: 0, perKey: 0, records: 0, memory: 0 }
  readonly #byKey = new Map<string, KeyEntry>()
  readonly #byAge: Ends<ProviderRecord> = { first: undefined, last: undefined }
  readonly #files = new ProviderFiles()
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

  /**
   * At most {@link maxListed} of those who provide `key`: connected before away, in both the newest first, and the sources
   * by turns, so that whoever has many identities at one place takes only that place's turn.
   */
  providers(key: Uint8Array, nowMs: number): readonly Contact[] {
    this.expire(nowMs)
    const entry = this.#byKey.get(keyOf(key))
    return entry === undefined ? [] : listOf(entry)
  }

  /** The same as a part of an answer, which is put together once and kept until something changes. */
  encodedProviders(key: Uint8Array, nowMs: number): Uint8Array {
    this.expire(nowMs)
    const entry = this.#byKey.get(keyOf(key))
    if (entry === undefined) return nothing
    const cached = this.#cache.get(entry)
    if (cached !== undefined) return cached
    const encoded = encodePeers('provider', listOf(entry), maxProvidersBytes)
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
    for (const { key } of contact.provides.values()) this.#cache.drop(key)
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
    record.weight = recordBytes + (contact.encoded?.length ?? 0)
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
      const reason = this.#exceeded()
      const worst = reason === undefined ? undefined : this.#files.worst()
      if (reason === undefined || worst === undefined) break
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

  #count({ key, contact }: ProviderRecord): void {
    this.#records++
    key.records++
    this.#bytes += recordBytes
    if (contact.provides.size === 0) this.#bytes += contactBytes + (contact.encoded?.length ?? 0)
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
    if (contact.provides.size === 0) {
      this.#bytes -= contactBytes + (contact.encoded?.length ?? 0)
      this.#onProviding(contact.key, false)
      this.#contacts.dropIfUnused(contact)
    }
    if (--key.records > 0) return
    this.#byKey.delete(key.text)
    this.#bytes -= keyBytes + key.text.length
  }
}

function listOf(entry: KeyEntry): Contact[] {
  const listed: Contact[] = []
  for (const ring of [entry.here, entry.away]) if (ring !== undefined) addByTurns(ring, listed)
  return listed
}

/** The newest of each crowd, then the second of each, and so on. */
function addByTurns(ring: Ends<Crowd>, listed: Contact[]): void {
  let turn: ProviderRecord[] = []
  for (let crowd = ring.first; crowd !== undefined && turn.length < maxListed; crowd = inRing.next(crowd)) {
    if (crowd.first !== undefined) turn.push(crowd.first)
  }
  while (turn.length > 0) {
    const next: ProviderRecord[] = []
    for (const record of turn) {
      if (listed.length === maxListed) return
      listed.push(record.contact)
      const after = inCrowd.next(record)
      if (after !== undefined) next.push(after)
    }
    turn = next
  }
}

/** A small integer, which takes no memory of its own. */
function minuteOf(timeMs: number): number {
  return Math.floor(timeMs / 60_000)
}

function firstOf<T>(values: ReadonlyMap<string, T>): T | undefined {
  for (const value of values.values()) return value
  return undefined
}
