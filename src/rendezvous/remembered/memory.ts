import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Changes } from '../../state/store.ts'
import type { Contact, Contacts } from '../contacts.ts'
import type { ProviderBook } from '../provider-book.ts'
import type { ProviderRecord } from '../provider-records.ts'
import { encodePeerEntry, encodeRecordEntry, peerEntryKey, recordEntryKey } from './entries.ts'
import { FailedDials } from './failed-dials.ts'

/** Who has to know what is worth remembering beyond this process. */
export interface Remembering {
  /** The peer came or left, says something else of itself, or is not known any more. */
  contactChanged(contact: Contact): void
  /** The record is new, renewed or removed. */
  recordChanged(record: ProviderRecord): void
}

/** A peer may send more than one byte for the length can say, though no address of a socket does. */
const maxRemoteBytes = 255
/** So many are some 5 ms. */
const marksInTurn = 4_096
const nothing = new Uint8Array(0)

/**
 * Keeps the entries of the store in step with contacts and provider book. To whoever changes them it costs a mark; what is
 * written is made at the time of the write, of what is the case then. Of them it holds nothing itself: there are as many
 * entries as contacts and records, and they go with them.
 */
export class Memory implements Remembering {
  /** Written with the entries of their peers. */
  readonly failedDials = new FailedDials()
  /** Where a peer came from that is not connected and counts as such: it was lost by a cut of the network. */
  awaited: (peer: string) => Uint8Array | undefined = () => undefined
  readonly #changes: Changes
  readonly #contacts: Contacts
  readonly #nowMs: () => number
  readonly #shiftMs: () => number
  #started = false
  #stopped = false
  #rewriteAtStart = false

  /**
   * @param nowMs wall time that does not jump, by which records end
   * @param shiftMs how far the machine's own is ahead of it: what is written is read by a process that knows no other
   */
  constructor(changes: Changes, contacts: Contacts, nowMs: () => number, shiftMs: () => number = () => 0) {
    this.#changes = changes
    this.#contacts = contacts
    this.#nowMs = nowMs
    this.#shiftMs = shiftMs
  }

  /** What happens from now on is written. */
  start(book: ProviderBook): void {
    this.#contacts.rememberWith(this)
    book.rememberWith(this)
    this.#started = true
    if (this.#rewriteAtStart) this.rewriteAll()
  }

  /**
   * The store has lost something, or holds times of a clock that was wrong: all that should be in it is marked, a part in each
   * turn of the event loop; before the start, once that comes. Until it is done, a former peer that was not yet dialled back is written as what it is: away.
   */
  rewriteAll(): void {
    if (this.#started) void this.#markAll()
    else this.#rewriteAtStart = true
  }

  /** From now on nothing is: who is connected now was connected when this process ended. */
  stop(): void {
    this.#stopped = true
  }

  contactChanged(contact: Contact): void {
    this.peerChanged(contact.key)
  }

  /** @param peer its key; what is written of it is read from the contacts */
  peerChanged(peer: string): void {
    if (this.#stopped) return
    this.#changes.changed(peerEntryKey(peer), () => this.#peerEntry(peer))
  }

  recordChanged({ contact, key }: ProviderRecord): void {
    if (this.#stopped) return
    const peer = contact.key
    const entryKey = recordEntryKey(peer, key.text)
    if (entryKey !== undefined) this.#changes.changed(entryKey, () => this.#recordEntry(peer, key.text))
  }

  async #markAll(): Promise<void> {
    let marks = 0
    for (const contact of this.#contacts.all()) {
      if (contact.encoded !== undefined) this.contactChanged(contact)
      for (const record of contact.provides.values()) this.recordChanged(record)
      marks += 1 + contact.provides.size
      if (marks < marksInTurn) continue
      marks = 0
      await nextTurn()
    }
  }

  #peerEntry(peer: string): Uint8Array | undefined {
    const contact = this.#contacts.ofKey(peer)
    if (contact?.encoded === undefined) return undefined
    const awaitedFrom = this.awaited(peer)
    const remote = contact.identifiedOver?.remoteAddr.bytes ?? awaitedFrom ?? nothing
    return encodePeerEntry({
      connected: contact.connections > 0 || awaitedFrom !== undefined,
      dialFailed: this.failedDials.has(peer, contact.encoded),
      seenAtMs: this.#nowMs() + this.#shiftMs(),
      remote: remote.length > maxRemoteBytes ? nothing : remote,
      encoded: contact.encoded
    })
  }

  #recordEntry(peer: string, key: string): Uint8Array | undefined {
    const record = this.#contacts.ofKey(peer)?.provides.get(key)
    const prefix = record?.crowd?.camp.source.prefix
    if (record === undefined || prefix === undefined) return undefined
    return encodeRecordEntry({ expiresAtMs: record.expiresAtMs + this.#shiftMs(), prefix })
  }
}
