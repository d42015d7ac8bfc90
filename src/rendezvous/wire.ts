import { readFields } from '../protobuf.ts'

/**
 * The Kademlia messages of `/ipfs/kad/1.0.0` as bytes (libp2p spec kad-dht, "RPC messages"; field numbers as in
 * go-libp2p-kad-dht pb/dht.proto). Read by hand, without copying, since every request to the node goes
 * through here. What is written is in encode.ts.
 *
 *     Message { type = 1, key = 2, record = 3, closerPeers = 8, providerPeers = 9, clusterLevelRaw = 10 }
 *     Peer    { id = 1, addrs = 2, connection = 3 }
 */
export const MessageType = {
  PUT_VALUE: 0,
  GET_VALUE: 1,
  ADD_PROVIDER: 2,
  GET_PROVIDERS: 3,
  FIND_NODE: 4,
  PING: 5
} as const

export type MessageType = (typeof MessageType)[keyof typeof MessageType]

export interface Request {
  readonly type: number
  readonly key: Uint8Array
  readonly record: Uint8Array | undefined
  readonly providerPeers: readonly WirePeer[]
  readonly clusterLevel: number
}

export interface WirePeer {
  /** Multihash of the public key: the binary peer id. */
  readonly id: Uint8Array
  /** Binary multiaddrs, unparsed: one with a code that this node does not know is passed on as it is. */
  readonly addrs: readonly Uint8Array[]
}

/** Providers that a request may name; a client names itself. More would only keep the node busy. */
const maxProvidersInRequest = 16
/** A provider that lists more is heard up to here; four times what is kept, as some of them may be of no use. */
const maxAddressesRead = 64
/** Of a request and of each provider in it: twice what is read. 64 KiB of fields without content would take 12 ms. */
const maxFields = 128

export const LENGTH_DELIMITED = 2
const empty = new Uint8Array(0)

/**
 * Reads a request. The result's byte arrays are views of `bytes`: copy what is kept.
 *
 * @returns undefined for what is no protobuf message; unknown fields are skipped
 */
export function decodeRequest(bytes: Uint8Array): Request | undefined {
  let type = 0
  let clusterLevel = 0
  let key: Uint8Array = empty
  let record: Uint8Array | undefined
  const providerPeers: WirePeer[] = []

  const whole = readFields(
    bytes,
    (field, value) => {
      if (typeof value === 'number') {
        if (field === 1) type = value
        else if (field === 10) clusterLevel = value
        return true
      }
      if (field === 2) key = value
      else if (field === 3) record = value
      else if (field === 9) {
        if (providerPeers.length === maxProvidersInRequest) return false
        const peer = decodePeer(value)
        if (peer === undefined) return false
        providerPeers.push(peer)
      }
      return true
    },
    maxFields
  )
  return whole ? { type, key, record, providerPeers, clusterLevel } : undefined
}

/** @returns undefined for what is no Peer message */
export function decodePeer(bytes: Uint8Array): WirePeer | undefined {
  let id: Uint8Array = empty
  const addrs: Uint8Array[] = []
  const whole = readFields(
    bytes,
    (field, value) => {
      if (typeof value !== 'number') {
        if (field === 1) id = value
        else if (field === 2) addrs.push(value)
      }
      return addrs.length < maxAddressesRead
    },
    maxFields
  )
  // the id comes first
  return whole || addrs.length === maxAddressesRead ? { id, addrs } : undefined
}

/** The record of a value (go-libp2p-record: Record { key = 1, value = 2, timeReceived = 5 }). */
export interface ValueRecord {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** The time of receipt that a sender writes is not its to say and is left out, as in Go (cleanRecord). */
export function decodeRecord(bytes: Uint8Array): ValueRecord | undefined {
  let key: Uint8Array = empty
  let value: Uint8Array = empty
  const whole = readFields(bytes, (field, content) => {
    if (typeof content !== 'number') {
      if (field === 1) key = content
      else if (field === 2) value = content
    }
    return true
  })
  return whole ? { key, value } : undefined
}
