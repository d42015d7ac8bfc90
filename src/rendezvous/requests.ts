import { keyOf } from '../peers/peer-key.ts'
import type { Contact, Contacts } from './contacts.ts'
import { type Answer, encodePeer, encodePeers, encodeRecord } from './encode.ts'
import type { ProviderBook } from './provider-book.ts'
import type { ValueStore } from './value-store.ts'
import { decodeRecord, MessageType, type Request, type WirePeer } from './wire.ts'

/** Go's limit for the key of a provider record (kad-dht handlers.go). */
const maxProviderKeyBytes = 80

/** What the requests are answered from. */
export interface Rooms {
  readonly contacts: Contacts
  readonly book: ProviderBook
  readonly values: ValueStore
  /** The federated nodes and the peers of the routing table nearest to `key`, at most 20, in no order, without this node and `except`. */
  readonly closerPeers: (key: Uint8Array, except: string) => readonly Contact[]
  readonly selfKey: string
  readonly self: () => WirePeer
  readonly nowMs: () => number
}

/** The peer that asks. */
export interface Asker {
  readonly id: Uint8Array
  /** From `keyOf` its id. */
  readonly key: string
  /** Of the address that it asks from. */
  readonly prefix: string
}

/** An answer; `none`: the message has none; `refuse`: not a request that can be answered, the stream is reset. */
export type Outcome = Answer | 'none' | 'refuse'

/**
 * What this node answers to a request. Field for field as go-libp2p-kad-dht 0.34 (handlers.go), with one exception: a
 * malformed provider in ADD_PROVIDER is ignored where Go resets, since a client would take the reset for a dead node and
 * forget it.
 *
 * @param request may be views of memory that is not valid after this call
 */
export function answer(request: Request, from: Asker, rooms: Rooms): Outcome | Promise<Outcome> {
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

function findNode({ key, clusterLevel }: Request, from: Asker, rooms: Rooms): Outcome {
  if (key.length === 0) return 'refuse'
  const wanted = keyOf(key)
  if (wanted === rooms.selfKey) {
    const { id, addrs } = rooms.self()
    const self = { encoded: encodePeer(id, addrs), connections: 0 }
    return { type: MessageType.FIND_NODE, clusterLevel, closerPeers: encodePeers('closer', [self]) }
  }
  const closer = [...rooms.closerPeers(key, from.key)]
  // FindPeer asks for this: the peer itself, if it is known; but nobody is told about itself
  const target = wanted === from.key ? undefined : rooms.contacts.get(key)
  if (target !== undefined && !closer.includes(target)) closer.push(target)
  return { type: MessageType.FIND_NODE, clusterLevel, closerPeers: encodePeers('closer', closer) }
}

function getProviders({ key, clusterLevel }: Request, from: Asker, rooms: Rooms): Outcome {
  if (key.length === 0 || key.length > maxProviderKeyBytes) return 'refuse'
  return {
    type: MessageType.GET_PROVIDERS,
    clusterLevel,
    key,
    closerPeers: encodePeers('closer', rooms.closerPeers(key, from.key)),
    providerPeers: rooms.book.encodedProviders(key, rooms.nowMs())
  }
}

function addProvider({ key, providerPeers }: Request, from: Asker, rooms: Rooms): Outcome {
  if (key.length === 0 || key.length > maxProviderKeyBytes) return 'refuse'
  // a record of somebody else's is not the sender's to give
  const own = providerPeers.find(({ id, addrs }) => addrs.length > 0 && keyOf(id) === from.key)
  if (own === undefined) return 'none'
  rooms.book.add(from.id, own.addrs, key, from.prefix, rooms.nowMs())
  return 'none'
}

function getValue({ key, clusterLevel }: Request, from: Asker, rooms: Rooms): Outcome {
  if (key.length === 0) return 'refuse'
  const stored = rooms.values.get(key, rooms.nowMs())
  const closerPeers = encodePeers('closer', rooms.closerPeers(key, from.key))
  const answer = { type: MessageType.GET_VALUE, clusterLevel, key, closerPeers }
  if (stored === undefined) return answer
  return { ...answer, record: encodeRecord(stored.record, new Date(stored.receivedAtMs)) }
}

async function putValue({ clusterLevel, ...views }: Request, rooms: Rooms): Promise<Outcome> {
  if (views.record === undefined) return 'refuse'
  const key = new Uint8Array(views.key)
  const given = new Uint8Array(views.record)
  const record = decodeRecord(given)
  if (record === undefined || record.key.length === 0 || keyOf(record.key) !== keyOf(key)) return 'refuse'
  if (!(await rooms.values.put(record, rooms.nowMs()))) return 'refuse'
  return { type: MessageType.PUT_VALUE, clusterLevel, key, record: given }
}
