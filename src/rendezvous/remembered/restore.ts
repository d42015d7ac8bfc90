import { setImmediate as nextTurn } from 'node:timers/promises'
import { bytesOf, keyOf } from '../../peers/peer-key.ts'
import type { Changes, Entry, StateStore } from '../../state/store.ts'
import type { Contact, Contacts } from '../contacts.ts'
import { type ProviderBook, recordLifeMs } from '../provider-book.ts'
import { decodePeer } from '../wire.ts'
import {
  decodePeerEntry,
  decodeRecordEntry,
  type PeerEntry,
  peerEntries,
  peerEntryKey,
  peerOfEntryKey,
  recordEntries,
  recordEntryKey,
  recordOfEntryKey
} from './entries.ts'

/** A peer that was connected when the entry was written. */
export interface FormerPeer {
  /** From `keyOf` its id. */
  readonly key: string
  /** Binary multiaddrs where it listens. */
  readonly addrs: readonly Uint8Array[]
  /** Binary multiaddr that its connection came from; may be empty. */
  readonly remote: Uint8Array
  /** Wall time. */
  readonly seenAtMs: number
  /** Dialled by a process before, and not reached. */
  readonly dialFailed: boolean
}

export interface Restored {
  /** Records that are in the book. */
  readonly records: number
  /** Records whose life was over. */
  readonly expired: number
  /** Records with an end that no right clock gives them, that are in the book; to be written anew. */
  readonly misdated: number
  /** Entries that could not be read; they stay where they are. */
  readonly unreadable: number
  /** Why the store could not be read to its end; undefined: it was. */
  readonly failure: Error | undefined
  /** Who was connected, newest first; those last who could not be dialled. */
  readonly formerPeers: readonly FormerPeer[]
  /** Who could not be dialled by a process before, connected at its end or not. */
  readonly failedBefore: ReadonlyArray<Pick<FormerPeer, 'key' | 'addrs'>>
}

interface Rooms {
  readonly contacts: Contacts
  readonly book: ProviderBook
  readonly changes: Changes
}

interface KnownPeer extends PeerEntry {
  readonly id: Uint8Array
  readonly addrs: readonly Uint8Array[]
}

interface KnownRecord {
  readonly peer: string
  readonly key: string
  readonly prefix: string
  readonly expiresAtMs: number
}

/**
 * What would have ended longer ago was written by a clock that was wrong (1970, on a machine without a battery), or is read by
 * one: nobody knows what is left of its life, so it gets all of it. Who starts a node again after a year has old records for 48 h.
 */
const wrongClockMs = 365 * 86_400_000

/** So many records are some 10 ms. */
const recordsInTurn = 4_096

/**
 * Brings the records of the store back, with what is left of their lives; to be called before the node listens, and before
 * the memory is started. Entries that are of no use to anybody any more are removed from the store, but for peers whose
 * records may be among what could not be read: read another time, these would be of use to nobody without them.
 *
 * @param maxFormerPeers how many of those who were connected are wanted
 * @param nowMs wall time
 * @param signal ends it early, with what has been restored by then
 */
export async function restore(
  store: Readable,
  rooms: Rooms,
  maxFormerPeers: number,
  nowMs: number,
  signal: AbortSignal
): Promise<Restored> {
  const { peers, ...readOfPeers } = await readPeers(store)
  const read = await readRecords(store, peers, nowMs, rooms.changes)
  await putBack(read.records, peers, rooms, signal)
  const formerPeers = newest(peers, maxFormerPeers)
  const failure = readOfPeers.failure ?? read.failure
  if (!signal.aborted && failure === undefined) {
    removeRecordsThatLeft(read.records, rooms)
    if (!read.anybodys)
      removePeersOfNoUse(peers, new Set([...formerPeers.map(({ key }) => key), ...read.spared]), rooms)
  }
  return {
    records: rooms.book.records,
    expired: read.expired,
    misdated: read.misdated,
    unreadable: readOfPeers.unreadable + read.unreadable,
    failure,
    formerPeers,
    failedBefore: failedAmong(peers)
  }
}

type Readable = Pick<StateStore, 'entries'>

/** @returns why it could not be read to the end; undefined: it was */
async function readAll(store: Readable, prefix: string, take: (entry: Entry) => void): Promise<Error | undefined> {
  try {
    for await (const entry of store.entries(prefix)) take(entry)
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

async function readPeers(store: Readable) {
  const peers = new Map<string, KnownPeer>()
  let unreadable = 0
  const failure = await readAll(store, peerEntries, ([entryKey, value]) => {
    const key = unsliced(peerOfEntryKey(entryKey))
    const entry = value && decodePeerEntry(value)
    const peer = entry && decodePeer(new Uint8Array(bytesOf(entry.encoded)))
    if (entry === undefined || peer === undefined || peer.addrs.length === 0 || keyOf(peer.id) !== key) unreadable++
    else peers.set(key, { ...entry, id: peer.id, addrs: peer.addrs })
  })
  return { peers, unreadable, failure }
}

/**
 * The records whose life is not over, those that end first in front; `spared`: the peers that have unreadable ones;
 * `anybodys`: there are some that do not even say whose they are.
 */
async function readRecords(store: Readable, peers: ReadonlyMap<string, KnownPeer>, nowMs: number, changes: Changes) {
  const records: KnownRecord[] = []
  const spared = new Set<string>()
  const texts = new Texts()
  let [unreadable, expired, misdated, anybodys] = [0, 0, 0, false]
  const failure = await readAll(store, recordEntries, ([entryKey, value]) => {
    const name = recordOfEntryKey(entryKey)
    const entry = value && decodeRecordEntry(value)
    const overForMs = nowMs - (entry?.expiresAtMs ?? nowMs)
    if (name !== undefined && entry !== undefined && overForMs >= 0 && overForMs < wrongClockMs) {
      expired++
      changes.changed(entryKey, () => undefined)
      return
    }
    // without its peer's entry there is no way to reach it
    if (name === undefined || entry === undefined || !peers.has(name.peer)) {
      unreadable++
      if (name === undefined) anybodys = true
      else spared.add(unsliced(name.peer))
      return
    }
    const isMisdated = overForMs >= wrongClockMs
    if (isMisdated) misdated++
    records.push({
      peer: texts.one(name.peer),
      key: texts.one(name.key),
      prefix: texts.one(entry.prefix),
      // no clock that was wrong gives a record more than Go does
      expiresAtMs: isMisdated ? nowMs + recordLifeMs : Math.min(entry.expiresAtMs, nowMs + recordLifeMs)
    })
  })
  records.sort((a, b) => a.expiresAtMs - b.expiresAtMs)
  return { records, unreadable, expired, misdated, spared, anybodys, failure }
}

async function putBack(
  records: readonly KnownRecord[],
  peers: ReadonlyMap<string, KnownPeer>,
  { contacts, book }: Rooms,
  signal: AbortSignal
): Promise<void> {
  for (const [i, { peer, key, prefix, expiresAtMs }] of records.entries()) {
    if (i % recordsInTurn === 0) await nextTurn()
    if (signal.aborted) return
    const contact = contacts.ofKey(peer) ?? enter(peers.get(peer), contacts)
    if (contact !== undefined) book.restore(contact, key, prefix, expiresAtMs)
  }
}

function enter(peer: KnownPeer | undefined, contacts: Contacts): Contact | undefined {
  return peer && contacts.provided(peer.id, peer.addrs)
}

/** The book's bounds may be lower than they were. */
function removeRecordsThatLeft(records: readonly KnownRecord[], { contacts, book, changes }: Rooms): void {
  if (book.records === records.length) return
  for (const { peer, key } of records) {
    const entryKey = recordEntryKey(peer, key)
    if (entryKey === undefined || contacts.ofKey(peer)?.provides.has(key)) continue
    changes.changed(entryKey, () => undefined)
  }
}

/** Without a record a peer is of interest only to be dialled. */
function removePeersOfNoUse(
  peers: ReadonlyMap<string, KnownPeer>,
  wanted: ReadonlySet<string>,
  { contacts, changes }: Rooms
): void {
  for (const peer of peers.keys()) {
    if (wanted.has(peer) || contacts.ofKey(peer) !== undefined) continue
    changes.changed(peerEntryKey(peer), () => undefined)
  }
}

function newest(peers: ReadonlyMap<string, KnownPeer>, count: number): FormerPeer[] {
  const former: FormerPeer[] = []
  for (const [key, { connected, addrs, remote, seenAtMs, dialFailed }] of peers) {
    if (connected) former.push({ key, addrs, remote, seenAtMs, dialFailed })
  }
  const inOrder = (a: FormerPeer, b: FormerPeer) =>
    Number(a.dialFailed) - Number(b.dialFailed) || b.seenAtMs - a.seenAtMs
  return former.sort(inOrder).slice(0, count)
}

function failedAmong(peers: ReadonlyMap<string, KnownPeer>): Restored['failedBefore'] {
  return [...peers].filter(([, { dialFailed }]) => dialFailed).map(([key, { addrs }]) => ({ key, addrs }))
}

/** Each text once, however many records have it. */
class Texts {
  readonly #known = new Map<string, string>()

  one(text: string): string {
    let known = this.#known.get(text)
    if (known === undefined) {
      known = unsliced(text)
      this.#known.set(known, known)
    }
    return known
  }
}

/** A slice of a string keeps all of it alive. */
function unsliced(text: string): string {
  return keyOf(bytesOf(text))
}
