import type { PeerId } from '@libp2p/interface'

/**
 * A peer id or another binary key as a key of a Map: one character a byte. Cheaper than the base58 text, and the same for
 * everyone who has the bytes.
 */
export function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

/** What {@link keyOf} was given, as a copy of its own. */
export function bytesOf(key: string): Buffer {
  return Buffer.from(key, 'latin1')
}

export function peerKey(peer: PeerId): string {
  return keyOf(peer.toMultihash().bytes)
}
