import { CipherState, tagBytes } from './cipher-state.ts'
import { NoiseError } from './error.ts'
import { generateKeyPair, type KeyPair, keyBytes, memory, sharedSecret } from './primitives.ts'
import { SymmetricState } from './symmetric-state.ts'

/** Bytes of the length in front of every Noise message on the wire, big-endian (libp2p specification noise/README.md). */
export const lengthBytes = 2

const sealedKeyBytes = keyBytes + tagBytes
const nothing = new Uint8Array(0)
const secret = memory(keyBytes)

/** What replaces the defaults of a handshake. Both are for test vectors: libp2p has no prologue. */
export interface XxInit {
  readonly prologue?: Uint8Array
  readonly ephemeralKey?: KeyPair
}

/** The cipher states of a finished handshake, as the responder uses them. */
export interface CipherPair {
  readonly send: CipherState
  readonly receive: CipherState
}

/**
 * The responder of Noise_XX_25519_ChaChaPoly_SHA256 (noiseprotocol.org, section 7.5), knowing nothing of libp2p:
 *
 *     -> e
 *     <- e, ee, s, es
 *     -> s, se
 *
 * Each step once, in the order of the methods; after an error it is good for nothing. Messages have 65,535 bytes at most.
 */
export class XxResponder {
  readonly #symmetric: SymmetricState
  readonly #static: KeyPair
  readonly #ephemeral: KeyPair
  readonly #remoteEphemeral = memory(keyBytes)

  constructor(staticKey: KeyPair, { prologue = nothing, ephemeralKey = generateKeyPair() }: XxInit = {}) {
    this.#symmetric = new SymmetricState(prologue)
    this.#static = staticKey
    this.#ephemeral = ephemeralKey
  }

  /**
   * @returns the payload, which nobody has encrypted or signed
   * @throws NoiseError bad-message
   */
  readFirst(message: Uint8Array): Uint8Array {
    if (message.length < keyBytes) throw new NoiseError('bad-message')
    this.#remoteEphemeral.set(message.subarray(0, keyBytes))
    this.#symmetric.mixHash(this.#remoteEphemeral)
    return this.#open(message.subarray(keyBytes))
  }

  /**
   * @param payload what the peer may know of us before it has said who it is
   * @returns the message with its length in front
   * @throws NoiseError bad-key
   */
  writeSecond(payload: Uint8Array): Buffer {
    const out = memory(lengthBytes + keyBytes + sealedKeyBytes + payload.length + tagBytes)
    out.writeUInt16BE(out.length - lengthBytes)
    const payloadAt = lengthBytes + keyBytes + sealedKeyBytes

    out.set(this.#ephemeral.publicKey, lengthBytes)
    this.#symmetric.mixHash(this.#ephemeral.publicKey)
    this.#mixShared(this.#ephemeral, this.#remoteEphemeral)
    this.#symmetric.encryptAndHash(out.subarray(lengthBytes + keyBytes, payloadAt), this.#static.publicKey)
    this.#mixShared(this.#static, this.#remoteEphemeral)
    this.#symmetric.encryptAndHash(out.subarray(payloadAt), payload)
    return out
  }

  /**
   * @returns the peer's static key, and the payload
   * @throws NoiseError bad-message, bad-key
   */
  readThird(message: Uint8Array): { remoteStatic: Uint8Array; payload: Uint8Array } {
    const remoteStatic = this.#open(message.subarray(0, sealedKeyBytes))
    this.#mixShared(this.#ephemeral, remoteStatic)
    return { remoteStatic, payload: this.#open(message.subarray(sealedKeyBytes)) }
  }

  split(): CipherPair {
    const keys = this.#symmetric.split()
    return { receive: new CipherState(keys, 0), send: new CipherState(keys, keyBytes) }
  }

  #mixShared(own: KeyPair, remotePublicKey: Uint8Array): void {
    if (!sharedSecret(secret, own.secretKey, remotePublicKey)) throw new NoiseError('bad-key')
    this.#symmetric.mixKey(secret)
  }

  #open(received: Uint8Array): Uint8Array {
    const plaintext = this.#symmetric.decryptAndHash(received)
    if (plaintext === undefined) throw new NoiseError('bad-message')
    return plaintext
  }
}
