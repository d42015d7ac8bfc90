import type { PrivateKey } from '@libp2p/interface'
import { CipherState } from '../../../src/connection/noise/cipher-state.ts'
import { createNoiseIdentity, type NoiseIdentity } from '../../../src/connection/noise/handshake.ts'
import { generateKeyPair, type KeyPair, keyBytes, sharedSecret } from '../../../src/connection/noise/primitives.ts'
import { SymmetricState } from '../../../src/connection/noise/symmetric-state.ts'
import type { CipherPair } from '../../../src/connection/noise/xx-responder.ts'

const sealedKeyBytes = keyBytes + 16

/** The other side of the handshake, which can also lie: every part of it is open to a test. */
export class TestInitiator {
  readonly symmetric = new SymmetricState(new Uint8Array())
  remotePayload: Uint8Array | undefined
  remoteEphemeral: Uint8Array = new Uint8Array()

  constructor(
    readonly staticKey: KeyPair,
    readonly ephemeralKey = generateKeyPair()
  ) {}

  first(payload = new Uint8Array()): Buffer {
    this.symmetric.mixHash(this.ephemeralKey.publicKey)
    this.symmetric.mixHash(payload)
    return Buffer.concat([this.ephemeralKey.publicKey, payload])
  }

  /** @param reply with its length */
  readSecond(reply: Uint8Array): this {
    this.remoteEphemeral = reply.slice(2, 2 + keyBytes)
    this.symmetric.mixHash(this.remoteEphemeral)
    this.#mixShared(this.ephemeralKey, this.remoteEphemeral)
    const staticAt = 2 + keyBytes
    const remoteStatic = this.symmetric.decryptAndHash(reply.subarray(staticAt, staticAt + sealedKeyBytes))
    this.#mixShared(this.ephemeralKey, remoteStatic!)
    this.remotePayload = this.symmetric.decryptAndHash(reply.subarray(staticAt + sealedKeyBytes))
    return this
  }

  third(payload: Uint8Array): Buffer {
    const out = Buffer.alloc(sealedKeyBytes + payload.length + 16)
    this.symmetric.encryptAndHash(out.subarray(0, sealedKeyBytes), this.staticKey.publicKey)
    // a static key of low order has no shared secret: then any will do, the responder must have given up before
    this.#mixShared(this.staticKey, this.remoteEphemeral)
    this.symmetric.encryptAndHash(out.subarray(sealedKeyBytes), payload)
    return out
  }

  split(): CipherPair {
    const keys = this.symmetric.split()
    return { send: new CipherState(keys, 0), receive: new CipherState(keys, keyBytes) }
  }

  #mixShared(own: KeyPair, remote: Uint8Array): void {
    const secret = Buffer.alloc(keyBytes)
    sharedSecret(secret, own.secretKey, remote)
    this.symmetric.mixKey(secret)
  }
}

export async function initiatorOf(privateKey: PrivateKey, streamMuxers: readonly string[] = ['/yamux/1.0.0']) {
  const identity: NoiseIdentity = await createNoiseIdentity(privateKey, streamMuxers)
  return { identity, initiator: () => new TestInitiator(identity.staticKey) }
}
