/**
 * The Kademlia messages of `/ipfs/kad/1.0.0` as bytes (libp2p spec kad-dht, "RPC messages"; field numbers as in
 * go-libp2p-kad-dht pb/dht.proto). Hand-written, since every answer of the node goes through here: answers are put
 * together from parts that were encoded before, and a request is read without copying.
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

/** How the answering node stands to a peer that it names; the values of the protobuf enum. */
const ConnectionType = { NOT_CONNECTED: 0, CONNECTED: 1 } as const

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

/**
 * The peers in an answer take no more than this. Go reads 4 MiB at most (network.MessageSizeMax), and a client that cannot
 * read an answer forgets the node; its FindPeers stops at 100 providers, some 20 KiB.
 */
export const maxAnswerBytes = 1024 * 1024

/** Providers that a request may name; a client names itself. More would only keep the node busy. */
const maxProvidersInRequest = 16

const LENGTH_DELIMITED = 2
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

  const whole = readFields(bytes, (field, value) => {
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
  })
  return whole ? { type, key, record, providerPeers, clusterLevel } : undefined
}

/** @returns undefined for what is no Peer message */
export function decodePeer(bytes: Uint8Array): WirePeer | undefined {
  let id: Uint8Array = empty
  const addrs: Uint8Array[] = []
  const whole = readFields(bytes, (field, value) => {
    if (typeof value !== 'number') {
      if (field === 1) id = value
      else if (field === 2) addrs.push(value)
    }
    return true
  })
  return whole ? { id, addrs } : undefined
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

/** @param receivedAt wall time, written as RFC 3339 in UTC */
export function encodeRecord(record: ValueRecord, receivedAt: Date): Uint8Array {
  return concat([
    encodeField(1, [record.key]),
    encodeField(2, [record.value]),
    encodeField(5, [Buffer.from(receivedAt.toISOString())])
  ])
}

/** Calls `take` for each varint and each length-delimited field; false from it, or a damaged message, ends with false. */
function readFields(bytes: Uint8Array, take: (field: number, value: number | Uint8Array) => boolean): boolean {
  const at = { offset: 0 }
  while (at.offset < bytes.length) {
    const tag = readVarint(bytes, at)
    if (tag === undefined || tag >>> 3 === 0) return false
    const kind = tag & 7
    if (kind === 0 || kind === LENGTH_DELIMITED) {
      const number = readVarint(bytes, at)
      if (number === undefined) return false
      if (kind === 0) {
        if (!take(tag >>> 3, number)) return false
        continue
      }
      const end = at.offset + number
      if (end > bytes.length) return false
      if (!take(tag >>> 3, bytes.subarray(at.offset, end))) return false
      at.offset = end
    } else if (kind === 1 || kind === 5) {
      at.offset += kind === 1 ? 8 : 4
      if (at.offset > bytes.length) return false
    } else {
      return false
    }
  }
  return true
}

/** The varint at `at.offset`, which moves behind it; undefined: cut off, or over 10 bytes. Exact below 2^53. */
export function readVarint(bytes: Uint8Array, at: { offset: number }): number | undefined {
  let value = 0
  let scale = 1
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at.offset]
    if (byte === undefined) return undefined
    at.offset++
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
    scale *= 128
  }
  return undefined
}

export function varintBytes(value: number): number {
  let length = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++
  return length
}

function writeVarint(out: Uint8Array, offset: number, value: number): void {
  let rest = value
  let at = offset
  while (rest >= 128) {
    out[at++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  out[at] = rest
}

/** One length-delimited field with its tag. */
function encodeField(field: number, parts: readonly Uint8Array[]): Uint8Array {
  return framed([(field << 3) | LENGTH_DELIMITED], parts)
}

/** `head`, the varint length of the parts, the parts. */
function framed(head: readonly number[], parts: readonly Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, 0)
  const prefix = new Uint8Array(head.length + varintBytes(size))
  prefix.set(head)
  writeVarint(prefix, head.length, size)
  return concat([prefix, ...parts])
}

/** In memory of its own: what is kept does not keep a pool's slab alive, as a small Buffer would. */
function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/**
 * A Peer message without its connection type, made once for each peer and put into many answers.
 *
 * @param addrs binary multiaddrs
 */
export function encodePeer(id: Uint8Array, addrs: readonly Uint8Array[]): Uint8Array {
  return concat([encodeField(1, [id]), ...addrs.map((addr) => encodeField(2, [addr]))])
}

const connected = Uint8Array.of((3 << 3) | 0, ConnectionType.CONNECTED)

/** A peer as it stands in an answer. */
export interface AnswerPeer {
  /** From {@link encodePeer}. */
  readonly encoded: Uint8Array
  readonly connected: boolean
}

export interface Answer {
  readonly type: MessageType
  readonly clusterLevel: number
  readonly key?: Uint8Array
  readonly record?: Uint8Array
  readonly closerPeers?: readonly AnswerPeer[]
  readonly providerPeers?: readonly AnswerPeer[]
}

/** An answer with the varint length in front that frames it on the stream. Peers beyond {@link maxAnswerBytes} are left out. */
export function encodeAnswer(answer: Answer): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(1 << 3, answer.type)]
  if (answer.key !== undefined) parts.push(encodeField(2, [answer.key]))
  if (answer.record !== undefined) parts.push(encodeField(3, [answer.record]))
  let budgetBytes = maxAnswerBytes
  const add = (field: number, peers: readonly AnswerPeer[] | undefined) => {
    for (const peer of peers ?? []) {
      const part = encodeAnswerPeer(field, peer)
      budgetBytes -= part.length
      if (budgetBytes < 0) break
      parts.push(part)
    }
  }
  // few, and without them a client does not get on; then the providers, the best first
  add(8, answer.closerPeers)
  add(9, answer.providerPeers)
  if (answer.clusterLevel !== 0) parts.push(encodeNumber(10, answer.clusterLevel))
  return framed([], parts)
}

function encodeAnswerPeer(field: number, peer: AnswerPeer): Uint8Array {
  return encodeField(field, peer.connected ? [peer.encoded, connected] : [peer.encoded])
}

function encodeNumber(field: number, value: number): Uint8Array {
  const out = new Uint8Array(1 + varintBytes(value))
  out[0] = field << 3
  writeVarint(out, 1, value)
  return out
}
