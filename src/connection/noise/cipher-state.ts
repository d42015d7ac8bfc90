import sodium from 'sodium-native'
import { NoiseError } from './error.ts'
import { keyBytes, memory } from './primitives.ts'

/** Bytes that a Poly1305 tag adds to a message. */
export const tagBytes = 16

// The ciphers read key and nonce from here, not from the connection's own memory: a small typed array lives in V8's heap
// until native code looks at it, and costs an allocation outside from then on.
const key = memory(keyBytes)
const nonce = Buffer.from(new Uint8Array(12).buffer)

/** One direction of a secured connection: a key and the number of the next message (noiseprotocol.org, section 5.1). */
export class CipherState {
  readonly #keys: Uint8Array
  readonly #offset: number
  #next: number

  /**
   * @param keys holds 32 bytes of key at `offset`; not copied, so that both directions can share one array
   * @param next number of the first message
   */
  constructor(keys: Uint8Array, offset: number, next = 0) {
    this.#keys = keys
    this.#offset = offset
    this.#next = next
  }

  /**
   * @param sealed room for the message and its tag; may begin where `message` does
   * @throws NoiseError nonce-exhausted
   */
  encrypt(sealed: Uint8Array, message: Uint8Array, associatedData: Uint8Array | null): void {
    this.#load()
    sodium.crypto_aead_chacha20poly1305_ietf_encrypt(sealed, message, associatedData, null, nonce, key)
    this.#next++
  }

  /**
   * @param message room for `sealed` without its tag; may begin where `sealed` does
   * @returns false for what was not sealed with this key, number and associated data
   * @throws NoiseError nonce-exhausted
   */
  decrypt(message: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array | null): boolean {
    this.#load()
    try {
      sodium.crypto_aead_chacha20poly1305_ietf_decrypt(message, null, sealed, associatedData, nonce, key)
    } catch {
      return false
    }
    this.#next++
    return true
  }

  /**
   * Four bytes of zero, then the number, little-endian (section 12.3). Noise allows 2^64 - 1 messages; a number is exact up
   * to 2^53, which takes a million records a second for 285 years. There is no rekeying: libp2p does not use it.
   */
  #load(): void {
    if (this.#next >= Number.MAX_SAFE_INTEGER) throw new NoiseError('nonce-exhausted')
    for (let i = 0; i < keyBytes; i++) key[i] = this.#keys[this.#offset + i] ?? 0
    nonce.writeUInt32LE(this.#next >>> 0, 4)
    nonce.writeUInt32LE(Math.floor(this.#next / 2 ** 32), 8)
  }
}
