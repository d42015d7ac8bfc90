import sodium from 'sodium-native'
import { describe, expect, it } from 'vitest'
import { type KeyPair, keyBytes } from '../../../src/connection/noise/primitives.ts'
import { XxResponder } from '../../../src/connection/noise/xx-responder.ts'
import published from './vectors/xx-25519-chachapoly-sha256.json' with { type: 'json' }

const bytes = (hex: string) => Buffer.from(hex, 'hex')

function keyPairOf(secretKey: Uint8Array): KeyPair {
  const publicKey = Buffer.alloc(keyBytes)
  sodium.crypto_scalarmult_base(publicKey, secretKey)
  return { publicKey, secretKey }
}

describe('the published vectors', () => {
  it.each(published.vectors)('of $source, byte for byte', (vector) => {
    const responder = new XxResponder(keyPairOf(bytes(vector.resp_static)), {
      prologue: bytes(vector.resp_prologue),
      ephemeralKey: keyPairOf(bytes(vector.resp_ephemeral))
    })
    const [first, second, third, ...rest] = vector.messages

    expect(responder.readFirst(bytes(first!.ciphertext))).toEqual(bytesOf(first!.payload))
    const reply = responder.writeSecond(bytes(second!.payload))
    expect(reply.subarray(2).toString('hex')).toBe(second!.ciphertext)
    expect(reply.readUInt16BE(0)).toBe(reply.length - 2)
    const { remoteStatic, payload } = responder.readThird(bytes(third!.ciphertext))
    expect(hex(remoteStatic)).toBe(hex(keyPairOf(bytes(vector.init_static)).publicKey))
    expect(hex(payload)).toBe(third!.payload)

    const { send, receive } = responder.split()
    expect(rest.length).toBeGreaterThan(0)
    for (const [i, message] of rest.entries()) {
      const plaintext = bytes(message.payload)
      const sealed = bytes(message.ciphertext)
      if (i % 2 === 0) {
        const out = Buffer.alloc(sealed.length)
        send.encrypt(out, plaintext, null)
        expect(out.toString('hex')).toBe(message.ciphertext)
      } else {
        const out = Buffer.alloc(plaintext.length)
        expect(receive.decrypt(out, sealed, null)).toBe(true)
        expect(out.toString('hex')).toBe(message.payload)
      }
    }
  })

  it('are there', () => {
    expect(published.vectors.map(({ source }) => source)).toEqual(['cacophony.txt', 'snow.txt'])
  })
})

function bytesOf(hexadecimal: string): Uint8Array {
  return new Uint8Array(bytes(hexadecimal))
}

function hex(data: Uint8Array): string {
  return Buffer.from(data).toString('hex')
}
