import { keyOf } from '../peers/peer-key.ts'
import type { Contact, Contacts } from './contacts.ts'
import type { ProviderBook } from './provider-book.ts'
import type { ValueStore } from './value-store.ts'
import {
  type Answer,
  type AnswerPeer,
  decodeRecord,
  encodePeer,
  encodeRecord,
  MessageType,
  type Request,
  type WirePeer
} from './wire.ts'

/** Go's limit for the key of a provider record (kad-dht handlers.go). */
const maxProviderKeyBytes = 80

/** What the requests are answered from. */
export interface Rooms {
  readonly contacts: Contacts
  readonly book: ProviderBook
  readonly values: ValueStore
  /** Peers of the routing table that are closer to `key`, at most 20, nearest first, without this node and `except`. */
  readonly closerPeers: (key: Uint8Array, except: Uint8Array) => readonly Contact[]
  readonly self: () => WirePeer
  readonly nowMs: () => number
}

/** An answer; `none`: the message has none; `refuse`: not a request that can be answered, the stream is reset. */
export type Outcome = Answer | 'none' | 'refuse'

/**
 * What this node answers to a request of the peer `from`. Field for field as go-libp2p-kad-dht 0.34 (handlers.go), with
 * one exception: a malformed provider in ADD_PROVIDER is ignored where Go resets, since a client would take the reset
 * for a dead node and forget it.
 */
export function answer(request: Request, from: Uint8Array, rooms: Rooms): Outcome | Promise<Outcome> {
  switch (request.type) {
    case MessageType.PING:
      return { type: MessageType.PING, clusterLevel: request.clusterLevel, key: request.key }
    case MessageType.FIND_NODE:
      return findNode(request, from, rooms)
    case MessageType.GET_PROVIDERS:
      return getProviders(request, from, rooms)
    case MessageType.ADD_PROVIDER:
      return addProvider(request, from, rooms)
    case MessageType.GET_VALUE:
      return getValue(request, from, rooms)
    case MessageType.PUT_VALUE:
      return putValue(request, rooms)
    default:
      return 'refuse'
  }
}

function findNode({ key, clusterLevel }: Request, from: Uint8Array, rooms: Rooms): Outcome {
  if (key.length === 0) return 'refuse'
  const self = rooms.self()
  const wanted = keyOf(key)
  let closerPeers: AnswerPeer[]
  if (wanted === keyOf(self.id)) {
    closerPeers = [{ encoded: encodePeer(self.id, self.addrs), connected: false }]
  } else {
    const closer = [...rooms.closerPeers(key, from)]
    // FindPeer asks for this: the peer itself, if it is known; but nobody is told about itself
    const target = wanted === keyOf(from) ? undefined : rooms.contacts.get(key)
    if (target !== undefined && !closer.includes(target)) closer.push(target)
    closerPeers = reachable(closer)
  }
  return { type: MessageType.FIND_NODE, clusterLevel, closerPeers }
}

function getProviders({ key, clusterLevel }: Request, from: Uint8Array, rooms: Rooms): Outcome {
  if (key.length === 0 || key.length > maxProviderKeyBytes) return 'refuse'
  return {
    type: MessageType.GET_PROVIDERS,
    clusterLevel,
    key,
    providerPeers: reachable(rooms.book.providers(key, rooms.nowMs())),
    closerPeers: reachable(rooms.closerPeers(key, from))
  }
}

function addProvider({ key, providerPeers }: Request, from: Uint8Array, rooms: Rooms): Outcome {
  if (key.length === 0 || key.length > maxProviderKeyBytes) return 'refuse'
  // a record of somebody else's is not the sender's to give
  const own = providerPeers.find(({ id, addrs }) => keyOf(id) === keyOf(from) && addrs.length > 0)
  if (own === undefined) return 'none'
  rooms.book.add(from, own.addrs, key, rooms.nowMs())
  return 'none'
}

function getValue({ key, clusterLevel }: Request, from: Uint8Array, rooms: Rooms): Outcome {
  if (key.length === 0) return 'refuse'
  const stored = rooms.values.get(key, rooms.nowMs())
  const closerPeers = reachable(rooms.closerPeers(key, from))
  const answer = { type: MessageType.GET_VALUE, clusterLevel, key, closerPeers }
  if (stored === undefined) return answer
  return { ...answer, record: encodeRecord(stored.record, new Date(stored.receivedAtMs)) }
}

async function putValue(request: Request, rooms: Rooms): Promise<Outcome> {
  const record = request.record === undefined ? undefined : decodeRecord(request.record)
  if (record === undefined || record.key.length === 0 || keyOf(record.key) !== keyOf(request.key)) return 'refuse'
  if (!(await rooms.values.put(record, rooms.nowMs()))) return 'refuse'
  const { key, clusterLevel, record: given } = request
  return { type: MessageType.PUT_VALUE, clusterLevel, key, ...(given === undefined ? {} : { record: given }) }
}

/** Peers without an address are of no use to anybody. */
function reachable(contacts: readonly Contact[]): AnswerPeer[] {
  const peers: AnswerPeer[] = []
  for (const { encoded, connections } of contacts) {
    if (encoded !== undefined) peers.push({ encoded, connected: connections > 0 })
  }
  return peers
}
