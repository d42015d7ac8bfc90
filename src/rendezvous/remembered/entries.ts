import { keyOf } from '../../peers/peer-key.ts'

/**
 * What of the rendezvous server is written to the store. An entry of a peer holds what is said of it in answers, once for
 * all its records; an entry of a record is that the peer provides a key.
 *
 *     p<peer>                → version, flags, seen at (6), length and bytes of the remote address, Peer message
 *     r<length><peer><key>   → version, expires at (6), address prefix
 */
export const peerEntries = 'p'
export const recordEntries = 'r'

const version = 1
const connectedFlag = 1
/** Entries that were written before there was this flag are read as without it. */
const dialFailedFlag = 2
/** Version and time. */
const recordHeadBytes = 7
/** Version, flags, time, length of the remote address. */
const peerHeadBytes = 9
/** An id's length stands in one character of a key; real ones have 34 to 42 bytes. */
const maxIdBytes = 255

export interface PeerEntry {
  /** Whether it was connected when this was written. */
  readonly connected: boolean
  /** Whether it was dialled where it listens, at the last dial-back that tried, and not reached. */
  readonly dialFailed: boolean
  /** Wall time of when it was last known to be connected. */
  readonly seenAtMs: number
  /** Binary multiaddr that its connection came from; empty when it is not connected. */
  readonly remote: Uint8Array
  /** The Peer message with its addresses, one character a byte. */
  readonly encoded: string
}

export interface RecordEntry {
  /** Wall time. */
  readonly expiresAtMs: number
  /** Address prefix that the record came from. */
  readonly prefix: string
}

/** @param peer from `keyOf` its id */
export function peerEntryKey(peer: string): string {
  return peerEntries + peer
}

/** @returns undefined when the id is too long to be one */
export function recordEntryKey(peer: string, key: string): string | undefined {
  return peer.length > maxIdBytes ? undefined : recordEntries + String.fromCharCode(peer.length) + peer + key
}

export function peerOfEntryKey(entryKey: string): string {
  return entryKey.slice(peerEntries.length)
}

/** @returns undefined for what {@link recordEntryKey} does not make */
export function recordOfEntryKey(entryKey: string): { peer: string; key: string } | undefined {
  const start = recordEntries.length + 1
  const end = start + entryKey.charCodeAt(recordEntries.length)
  if (!(end > start && end < entryKey.length)) return undefined
  return { peer: entryKey.slice(start, end), key: entryKey.slice(end) }
}

export function encodePeerEntry({ connected, dialFailed, seenAtMs, remote, encoded }: PeerEntry): Uint8Array {
  const out = Buffer.allocUnsafe(peerHeadBytes + remote.length + encoded.length)
  out[0] = version
  out[1] = (connected ? connectedFlag : 0) | (dialFailed ? dialFailedFlag : 0)
  out.writeUIntBE(Math.trunc(seenAtMs), 2, 6)
  out[8] = remote.length
  out.set(remote, peerHeadBytes)
  out.write(encoded, peerHeadBytes + remote.length, 'latin1')
  return out
}

/** @returns undefined for what {@link encodePeerEntry} does not make; the Peer message is not looked into */
export function decodePeerEntry(bytes: Uint8Array): PeerEntry | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const [entryVersion, flags = 0] = view
  if (view.length < peerHeadBytes || entryVersion !== version || flags > (connectedFlag | dialFailedFlag))
    return undefined
  const end = peerHeadBytes + (view[8] ?? 0)
  if (end > view.length) return undefined
  return {
    connected: (flags & connectedFlag) !== 0,
    dialFailed: (flags & dialFailedFlag) !== 0,
    seenAtMs: view.readUIntBE(2, 6),
    // a copy: a view would keep the chunk alive that it was read with
    remote: new Uint8Array(view.subarray(peerHeadBytes, end)),
    encoded: keyOf(view.subarray(end))
  }
}

export function encodeRecordEntry({ expiresAtMs, prefix }: RecordEntry): Uint8Array {
  const out = Buffer.allocUnsafe(recordHeadBytes + prefix.length)
  out[0] = version
  out.writeUIntBE(Math.trunc(expiresAtMs), 1, 6)
  out.write(prefix, recordHeadBytes, 'latin1')
  return out
}

/** @returns undefined for what {@link encodeRecordEntry} does not make */
export function decodeRecordEntry(bytes: Uint8Array): RecordEntry | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.length < recordHeadBytes || view[0] !== version) return undefined
  return { expiresAtMs: view.readUIntBE(1, 6), prefix: keyOf(view.subarray(recordHeadBytes)) }
}
