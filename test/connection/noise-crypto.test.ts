import { pureJsCrypto } from '@libp2p/noise'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sodiumCrypto } from '../../src/connection/noise-crypto.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const key = bytes(32)
const nonce = bytes(12)
const text = fc.uint8Array({ maxLength: 2000 })

describe("libsodium's primitives agree with another implementation", () => {
  it('SHA-256', () => {
    fc.assert(
      fc.property(text, (data) => {
        expect(sodiumCrypto.hashSHA256(data)).toEqual(pureJsCrypto.hashSHA256(data))
      })
    )
  })

  it('HKDF, also of nothing, as at the end of a handshake', () => {
    fc.assert(
      fc.property(key, fc.uint8Array({ maxLength: 64 }), (chainingKey, material) => {
        expect(sodiumCrypto.getHKDF(chainingKey, material)).toEqual(pureJsCrypto.getHKDF(chainingKey, material))
      })
    )
  })

  it('X25519', () => {
    fc.assert(
      fc.property(key, key, (one, other) => {
        const [mine, theirs] = [one, other].map((seed) => sodiumCrypto.generateX25519KeyPairFromSeed(seed))
        expect(mine!.publicKey).toEqual(pureJsCrypto.generateX25519KeyPairFromSeed(one).publicKey)
        const shared = sodiumCrypto.generateX25519SharedKey(mine!.privateKey, theirs!.publicKey)
        expect(shared).toEqual(pureJsCrypto.generateX25519SharedKey(theirs!.privateKey, mine!.publicKey))
      }),
      { numRuns: 20 }
    )
    const fresh = sodiumCrypto.generateX25519KeyPair()
    expect(pureJsCrypto.generateX25519KeyPairFromSeed(fresh.privateKey).publicKey).toEqual(fresh.publicKey)
  })

  it('ChaCha20-Poly1305', () => {
    fc.assert(
      fc.property(text, nonce, text, key, (message, once, data, secret) => {
        const sealed = sodiumCrypto.chaCha20Poly1305Encrypt(message, once, data, secret).subarray()
        expect(sealed).toEqual(pureJsCrypto.chaCha20Poly1305Encrypt(message, once, data, secret))
        expect(sodiumCrypto.chaCha20Poly1305Decrypt(sealed, once, data, secret)).toEqual(message)
      })
    )
  })
})

describe('what was tampered with', () => {
  it('is not decrypted', () => {
    fc.assert(
      fc.property(text, nonce, key, fc.nat(), (message, once, secret, at) => {
        const sealed = sodiumCrypto.chaCha20Poly1305Encrypt(message, once, new Uint8Array(), secret).subarray()
        sealed[at % sealed.length]! ^= 1
        expect(() => sodiumCrypto.chaCha20Poly1305Decrypt(sealed, once, new Uint8Array(), secret)).toThrow()
        expect(() =>
          sodiumCrypto.chaCha20Poly1305Decrypt(sealed.subarray(0, 15), once, new Uint8Array(), secret)
        ).toThrow()
      })
    )
  })

  it('gives no shared key: a public key of low order', () => {
    const { privateKey } = sodiumCrypto.generateX25519KeyPair()
    expect(() => sodiumCrypto.generateX25519SharedKey(privateKey, new Uint8Array(32))).toThrow()
  })
})

it('keys keep nothing but their own bytes alive', () => {
  const { privateKey, publicKey } = sodiumCrypto.generateX25519KeyPair()
  const [first] = sodiumCrypto.getHKDF(privateKey, publicKey)
  expect([privateKey, publicKey, first].map(({ buffer }) => buffer.byteLength)).toEqual([32, 32, 96])
})
