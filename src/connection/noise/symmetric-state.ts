import sodium from 'sodium-native'
import { CipherState, tagBytes } from './cipher-state.ts'
import { hkdf, keyBytes, memory } from './primitives.ts'

/** Bytes of a Noise message at most, tag included: its length is sent in two bytes. */
export const maxMessageBytes = 65_535

/** As long as a hash, so it is the first one as it stands (noiseprotocol.org, section 5.2). */
const protocolName = Buffer.from('Noise_XX_25519_ChaChaPoly_SHA256')
const hashInput = memory(keyBytes + maxMessageBytes)

/** What both sides have said so far, and the keys that follow from it (noiseprotocol.org, section 5.2). */
export class SymmetricState {
  readonly #hash = memory(keyBytes)
  readonly #chainingKey = memory(keyBytes)
  #cipher: CipherState | undefined

  constructor(prologue: Uint8Array) {
    this.#hash.set(protocolName)
    this.#chainingKey.set(protocolName)
    this.mixHash(prologue)
  }

  /** @param data {@link maxMessageBytes} at most */
  mixHash(data: Uint8Array): void {
    hashInput.set(this.#hash)
    hashInput.set(data, keyBytes)
    sodium.crypto_hash_sha256(this.#hash, hashInput.subarray(0, keyBytes + data.length))
  }

  /** @param material 32 bytes: a shared secret */
  mixKey(material: Uint8Array): void {
    const key = memory(keyBytes)
    hkdf(this.#chainingKey, material, key)
    this.#cipher = new CipherState(key, 0)
  }

  /** @param out room for the plaintext and, once there is a key, its tag */
  encryptAndHash(out: Uint8Array, plaintext: Uint8Array): void {
    if (this.#cipher === undefined) out.set(plaintext)
    else this.#cipher.encrypt(out, plaintext, this.#hash)
    this.mixHash(out)
  }

  /** @returns the plaintext, in memory of its own; undefined for what does not fit to what was said so far */
  decryptAndHash(received: Uint8Array): Uint8Array | undefined {
    if (this.#cipher === undefined) {
      this.mixHash(received)
      return new Uint8Array(received)
    }
    if (received.length < tagBytes) return undefined
    const plaintext = memory(received.length - tagBytes)
    if (!this.#cipher.decrypt(plaintext, received, this.#hash)) return undefined
    this.mixHash(received)
    return plaintext
  }

  /** The keys of both directions, the initiator's first: 64 bytes that hold nothing else alive. */
  split(): Uint8Array {
    const second = memory(keyBytes)
    hkdf(this.#chainingKey, undefined, second)
    const keys = new Uint8Array(2 * keyBytes)
    keys.set(this.#chainingKey)
    keys.set(second, keyBytes)
    return keys
  }
}
