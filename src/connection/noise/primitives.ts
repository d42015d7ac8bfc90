import sodium from 'sodium-native'

/** Bytes of an X25519 key, of a ChaCha20-Poly1305 key and of a SHA-256 hash (noiseprotocol.org, section 12). */
export const keyBytes = 32
const blockBytes = 64

export interface KeyPair {
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
}

/** A new X25519 key pair. */
export function generateKeyPair(): KeyPair {
  const pair = { publicKey: memory(keyBytes), secretKey: memory(keyBytes) }
  sodium.crypto_box_keypair(pair.publicKey, pair.secretKey)
  return pair
}

/**
 * X25519.
 *
 * @param out 32 bytes: the shared secret
 * @returns false for a public key of low order, which makes every secret the same
 */
export function sharedSecret(out: Uint8Array, secretKey: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    sodium.crypto_scalarmult(out, secretKey, publicKey)
    return true
  } catch {
    return false
  }
}

/** Memory of its own: a slice of Node's pool would keep 8 KiB alive for as long as it lives. */
export function memory(bytes: number): Buffer {
  return Buffer.allocUnsafeSlow(bytes)
}

// One inner block with room for the message, at each length that HKDF needs, and one outer block. Everything here is
// synchronous, so one set serves the process.
const inner = memory(blockBytes + keyBytes + 1)
const innerOf = { 0: inner.subarray(0, 64), 1: inner.subarray(0, 65), 32: inner.subarray(0, 96), 33: inner }
const outer = memory(blockBytes + keyBytes)
const innerHash = outer.subarray(blockBytes)
const pseudorandomKey = memory(keyBytes)

/** HMAC-SHA256 of the first `length` bytes behind the inner block. */
function hmac(out: Uint8Array, key: Uint8Array, length: keyof typeof innerOf): void {
  for (let i = 0; i < keyBytes; i++) {
    const byte = key[i] ?? 0
    inner[i] = byte ^ 0x36
    outer[i] = byte ^ 0x5c
  }
  inner.fill(0x36, keyBytes, blockBytes)
  outer.fill(0x5c, keyBytes, blockBytes)
  sodium.crypto_hash_sha256(innerHash, innerOf[length])
  sodium.crypto_hash_sha256(out, outer)
}

/**
 * Noise's HKDF with two outputs (noiseprotocol.org, section 4.3), on SHA-256 by hand: some 6 µs, where node:crypto's
 * `hkdfSync` takes 13.
 *
 * @param chainingKey 32 bytes; replaced by the first output
 * @param material 32 bytes, or none
 * @param second 32 bytes: the second output
 */
export function hkdf(chainingKey: Uint8Array, material: Uint8Array | undefined, second: Uint8Array): void {
  if (material !== undefined) inner.set(material, blockBytes)
  hmac(pseudorandomKey, chainingKey, material === undefined ? 0 : 32)
  inner[blockBytes] = 1
  hmac(chainingKey, pseudorandomKey, 1)
  inner.set(chainingKey, blockBytes)
  inner[blockBytes + keyBytes] = 2
  hmac(second, pseudorandomKey, 33)
}
