import { LENGTH_DELIMITED, type MessageType, type ValueRecord } from './wire.ts'

/** How the answering node stands to a peer that it names; the values of the protobuf enum. */
const ConnectionType = { NOT_CONNECTED: 0, CONNECTED: 1 } as const

/** The field of a message that a list of peers stands in. */
const peersField = { closer: 8, provider: 9 } as const

/**
 * No answer is larger. Go reads 4 MiB at most (network.MessageSizeMax), and a client that cannot read an answer forgets the
 * node; its FindPeers stops at 100 providers, some 20 KiB.
 */
export const maxAnswerBytes = 1024 * 1024
/** The rest is for 20 closer peers, which have up to 87 KiB, and the key. */
export const maxProvidersBytes = maxAnswerBytes - 128 * 1024

/** A peer as it stands in an answer. */
export interface AnswerPeer {
  /** From {@link encodePeer}, one character a byte: a third of the memory that an array of its own takes. */
  readonly encoded: string | undefined
  readonly connections: number
}

/** Made of parts that were encoded before. */
export interface Answer {
  readonly type: MessageType
  readonly clusterLevel: number
  readonly key?: Uint8Array
  readonly record?: Uint8Array
  /** From {@link encodePeers}. */
  readonly closerPeers?: Uint8Array
  /** From {@link encodePeers}. */
  readonly providerPeers?: Uint8Array
}

/**
 * A Peer message without its connection type, made once for each peer and put into many answers.
 *
 * @param addrs binary multiaddrs
 */
export function encodePeer(id: Uint8Array, addrs: readonly Uint8Array[]): string {
  const size = addrs.reduce((sum, addr) => sum + fieldBytes(addr.length), fieldBytes(id.length))
  const out = Buffer.allocUnsafe(size)
  let at = writeField(out, 0, 1, id)
  for (const addr of addrs) at = writeField(out, at, 2, addr)
  return out.toString('latin1')
}

/**
 * A list of peers as it stands in an answer. Peers without an address are of no use to anybody and are left out, as are the
 * last when there is no room.
 */
export function encodePeers(
  as: keyof typeof peersField,
  peers: readonly AnswerPeer[],
  maxBytes = Number.POSITIVE_INFINITY
): Uint8Array {
  let size = 0
  let count = 0
  for (const peer of peers) {
    const next = size + fieldBytes(peerBytes(peer))
    if (next > maxBytes) break
    if (peer.encoded !== undefined) size = next
    count++
  }
  // kept in the cache: a small part of a pool's slab would keep all of it
  const out = Buffer.allocUnsafeSlow(size)
  let at = 0
  for (let i = 0; i < count; i++) {
    const peer = peers[i]
    if (peer?.encoded === undefined) continue
    out[at] = (peersField[as] << 3) | LENGTH_DELIMITED
    at = writeVarint(out, at + 1, peerBytes(peer))
    at += out.write(peer.encoded, at, 'latin1')
    if (peer.connections === 0) continue
    out[at++] = 3 << 3
    out[at++] = ConnectionType.CONNECTED
  }
  return out
}

function peerBytes({ encoded, connections }: AnswerPeer): number {
  return (encoded?.length ?? 0) + (connections > 0 ? 2 : 0)
}

/** An answer with the varint length in front that frames it on the stream. */
export function encodeAnswer({ type, clusterLevel, key, record, closerPeers, providerPeers }: Answer): Uint8Array {
  let size = 2 + (closerPeers?.length ?? 0) + (providerPeers?.length ?? 0)
  if (key !== undefined) size += fieldBytes(key.length)
  if (record !== undefined) size += fieldBytes(record.length)
  if (clusterLevel !== 0) size += 1 + varintBytes(clusterLevel)

  // sent and gone: from the pool when it is small
  const out = Buffer.allocUnsafe(varintBytes(size) + size)
  let at = writeVarint(out, 0, size)
  out[at++] = 1 << 3
  out[at++] = type
  if (key !== undefined) at = writeField(out, at, 2, key)
  if (record !== undefined) at = writeField(out, at, 3, record)
  for (const peers of [closerPeers, providerPeers]) {
    if (peers === undefined) continue
    out.set(peers, at)
    at += peers.length
  }
  if (clusterLevel !== 0) {
    out[at] = 10 << 3
    writeVarint(out, at + 1, clusterLevel)
  }
  return out
}

/** @param receivedAt wall time, written as RFC 3339 in UTC */
export function encodeRecord(record: ValueRecord, receivedAt: Date): Uint8Array {
  const time = Buffer.from(receivedAt.toISOString())
  const out = new Uint8Array(fieldBytes(record.key.length) + fieldBytes(record.value.length) + fieldBytes(time.length))
  let at = writeField(out, 0, 1, record.key)
  at = writeField(out, at, 2, record.value)
  writeField(out, at, 5, time)
  return out
}

/** Bytes of a length-delimited field with a tag of one byte. */
function fieldBytes(length: number): number {
  return 1 + varintBytes(length) + length
}

/** @returns where the next field goes */
function writeField(out: Uint8Array, offset: number, field: number, content: Uint8Array): number {
  out[offset] = (field << 3) | LENGTH_DELIMITED
  const at = writeVarint(out, offset + 1, content.length)
  out.set(content, at)
  return at + content.length
}

function varintBytes(value: number): number {
  let length = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++
  return length
}

/** @returns where the next byte goes */
function writeVarint(out: Uint8Array, offset: number, value: number): number {
  let rest = value
  let at = offset
  while (rest >= 128) {
    out[at++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  out[at++] = rest
  return at
}
