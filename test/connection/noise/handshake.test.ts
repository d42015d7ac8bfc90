import { generateKeyPair as generateIdentity } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { NoiseError } from '../../../src/connection/noise/error.ts'
import {
  chooseStreamMuxer,
  createNoiseIdentity,
  type NoiseIdentity,
  NoiseResponder,
  type NoiseSession
} from '../../../src/connection/noise/handshake.ts'
import { decodePayload, encodePayload } from '../../../src/connection/noise/payload.ts'
import { generateKeyPair } from '../../../src/connection/noise/primitives.ts'
import { initiatorOf, TestInitiator } from './initiator.ts'

let own: NoiseIdentity
let ownKey: PrivateKey
let key: PrivateKey
let peer: Awaited<ReturnType<typeof initiatorOf>>

beforeAll(async () => {
  ownKey = await generateIdentity('Ed25519')
  own = await createNoiseIdentity(ownKey, ['/yamux/1.0.0'])
  key = await generateIdentity('Ed25519')
  peer = await initiatorOf(key, ['/mplex/6.7.0', '/yamux/1.0.0'])
})

/** A handshake up to the last message, which is returned unsent. */
function upToLast(payload: Uint8Array, initiator = peer.initiator()) {
  const responder = new NoiseResponder(own)
  initiator.readSecond(responder.read(initiator.first())!)
  return { initiator, responder, last: initiator.third(payload) }
}

function sessionWith(payload: Uint8Array, initiator?: TestInitiator): NoiseSession {
  const { responder, last } = upToLast(payload, initiator)
  expect(responder.read(last)).toBeUndefined()
  return responder.finish() as NoiseSession
}

function reasonOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof NoiseError) return error.reason
    throw error
  }
  return 'none'
}

describe('a handshake', () => {
  it('gives who the peer is, what it speaks, and keys that fit', () => {
    const { initiator, responder, last } = upToLast(peer.identity.payload)
    responder.read(last)
    const session = responder.finish()
    if (session instanceof Promise) throw new Error('Ed25519 takes no promise')

    expect(session.remotePeer.equals(peerIdFromPrivateKey(key))).toBe(true)
    expect(session.remotePublicKey).toEqual(new Uint8Array(session.remotePeer.toMultihash().digest))
    expect(session.extensions.streamMuxers).toEqual(['/mplex/6.7.0', '/yamux/1.0.0'])
    const theirs = initiator.split()
    for (const [from, to] of [
      [theirs.send, session.receive],
      [session.send, theirs.receive]
    ] as const) {
      const sealed = Buffer.alloc(21)
      from.encrypt(sealed, Buffer.from('hello'), null)
      const opened = Buffer.alloc(5)
      expect(to.decrypt(opened, sealed, null)).toBe(true)
      expect(opened.toString()).toBe('hello')
    }
  })

  it('proves who we are, once for all connections of an identity', async () => {
    const { initiator } = upToLast(peer.identity.payload)
    const payload = decodePayload(initiator.remotePayload!)!
    expect(payload.streamMuxers).toEqual(['/yamux/1.0.0'])
    const signed = Buffer.concat([Buffer.from('noise-libp2p-static-key:'), own.staticKey.publicKey])
    expect(await ownKey.publicKey.verify(signed, payload.signature)).toBe(true)
  })

  it('keeps nothing of the message that named the peer', () => {
    const { remotePublicKey, remotePeer } = sessionWith(peer.identity.payload)
    expect(remotePublicKey.buffer.byteLength).toBe(36)
    expect(remotePeer.toMultihash().digest.buffer.byteLength).toBe(36)
  })

  it('has fresh keys each time', () => {
    const replies = [1, 2].map(() => new NoiseResponder(own).read(peer.initiator().first())!.slice(2, 34))
    expect(replies[0]).not.toEqual(replies[1])
  })

  it('does not look at what comes with the first message, but holds the peer to it', () => {
    for (const [said, reason] of [
      [Buffer.from('early'), 'none'],
      [Buffer.from('other'), 'bad-message']
    ] as const) {
      const initiator = peer.initiator()
      const responder = new NoiseResponder(own)
      const first = initiator.first(Buffer.from('early'))
      const reply = responder.read(Buffer.concat([first.subarray(0, 32), said]))!
      expect(
        reasonOf(() => {
          const last = initiator.readSecond(reply).third(peer.identity.payload)
          responder.read(last)
          responder.finish()
        })
      ).toBe(reason)
    }
  })
})

describe('a peer without proof', () => {
  const payloadOf = (identity: NoiseIdentity) => decodePayload(identity.payload)!
  const finishWith = (change: Partial<ReturnType<typeof payloadOf>>) => () =>
    sessionWith(encodePayload({ ...payloadOf(peer.identity), ...change }))

  it.each([
    ['signed by another', () => ({ signature: payloadOf(own).signature }), 'bad-signature'],
    ['of another length', () => ({ signature: new Uint8Array(65) }), 'bad-signature'],
    ['absent', () => ({ signature: new Uint8Array() }), 'bad-signature']
  ] as const)('has a signature that is %s', (_, change, reason) => {
    expect(reasonOf(finishWith(change()))).toBe(reason)
  })

  it('has another static key than the one that was signed', () => {
    expect(reasonOf(() => sessionWith(peer.identity.payload, new TestInitiator(generateKeyPair())))).toBe(
      'bad-signature'
    )
  })

  it.each([
    ['absent', ''],
    ['no protobuf', 'ffff'],
    ['of no known type', `08091220${'11'.repeat(32)}`],
    ['an Ed25519 key of 31 bytes', `0801121f${'11'.repeat(31)}`],
    ['an ECDSA key that is none', '08031202abcd'],
    ['an RSA key that is none', '08001202abcd'],
    ['a secp256k1 key that is none', `08021221${'00'.repeat(33)}`],
    ['an Ed25519 key in more than 2 KiB', `08011220${'11'.repeat(32)}1a8010${'00'.repeat(2048)}`]
  ])('has an identity key that is %s', (_, hex) => {
    expect(reasonOf(finishWith({ identityKey: Buffer.from(hex, 'hex') }))).toBe('bad-identity')
  })

  it('has a signature of another key type', async () => {
    const other = await generateIdentity('secp256k1')
    const { identity } = await initiatorOf(other)
    expect(reasonOf(finishWith({ identityKey: payloadOf(identity).identityKey }))).toBe('bad-signature')
  })

  it('has a payload that is no protobuf', () => {
    expect(reasonOf(() => sessionWith(Buffer.from('ff', 'hex')))).toBe('bad-message')
  })

  it('is not let in by the name of an Ed25519 key written in another way', () => {
    const { identityKey } = payloadOf(peer.identity)
    const padded = Buffer.concat([identityKey, Buffer.from('1800', 'hex')]) // an unknown field behind it
    const { remotePeer } = finishWith({ identityKey: padded })()
    expect(remotePeer.equals(peerIdFromPrivateKey(key))).toBe(true)
  })
})

describe('what is no handshake', () => {
  /** RFC 7748's points of order 1, 2, 4 and 8, which make every shared secret zero. */
  const lowOrder = [
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    `ec${'ff'.repeat(30)}7f`,
    `ed${'ff'.repeat(30)}7f`,
    `ee${'ff'.repeat(30)}7f`
  ]

  it.each(lowOrder)('has the ephemeral key %s', (hex) => {
    expect(reasonOf(() => new NoiseResponder(own).read(Buffer.from(hex, 'hex')))).toBe('bad-key')
  })

  it.each(lowOrder)('has the static key %s', (hex) => {
    const publicKey = Buffer.from(hex, 'hex')
    const initiator = new TestInitiator({ publicKey, secretKey: generateKeyPair().secretKey })
    expect(reasonOf(() => sessionWith(peer.identity.payload, initiator))).toBe('bad-key')
  })

  it('is longer than a message can be', () => {
    expect(reasonOf(() => new NoiseResponder(own).read(new Uint8Array(65_535).fill(9)))).toBe('none')
    expect(reasonOf(() => new NoiseResponder(own).read(new Uint8Array(65_536).fill(9)))).toBe('bad-message')
    const { responder } = upToLast(peer.identity.payload)
    expect(reasonOf(() => responder.read(new Uint8Array(65_536)))).toBe('bad-message')
  })

  it('is cut off anywhere', () => {
    const first = peer.initiator().first()
    for (let length = 0; length < first.length; length++) {
      expect(reasonOf(() => new NoiseResponder(own).read(first.subarray(0, length)))).toBe('bad-message')
    }
    const length = upToLast(peer.identity.payload).last.length
    fc.assert(
      fc.property(fc.nat(length - 1), (at) => {
        const { responder, last } = upToLast(peer.identity.payload)
        expect(reasonOf(() => responder.read(last.subarray(0, at)))).toBe('bad-message')
      }),
      { numRuns: 40, examples: [[0], [47], [48], [63]] }
    )
  })

  it('has a bit flipped anywhere', () => {
    const length = upToLast(peer.identity.payload).last.length
    fc.assert(
      fc.property(fc.nat(length - 1), fc.nat(7), (at, bit) => {
        const { responder, last } = upToLast(peer.identity.payload)
        last[at]! ^= 1 << bit
        expect(reasonOf(() => responder.read(last))).toBe('bad-message')
      }),
      { numRuns: 60 }
    )
  })

  it('has a first message that was changed on its way', () => {
    fc.assert(
      fc.property(fc.nat(31), fc.nat(7), (at, bit) => {
        const initiator = peer.initiator()
        const responder = new NoiseResponder(own)
        const first = initiator.first()
        first[at]! ^= 1 << bit
        const reply = responder.read(first)!
        expect(initiator.readSecond(reply).remotePayload).toBeUndefined()
      }),
      { numRuns: 20, examples: [[31, 7]] } // X25519 ignores this bit, the hash does not
    )
  })

  it('comes in another order, twice, or from another connection', () => {
    const one = upToLast(peer.identity.payload)
    const other = upToLast(peer.identity.payload)
    expect(reasonOf(() => new NoiseResponder(own).read(new Uint8Array()))).toBe('bad-message')
    expect(reasonOf(() => one.responder.read(other.last))).toBe('bad-message')
    expect(reasonOf(() => one.responder.read(one.last))).toBe('bad-message') // too late: it has failed

    other.responder.read(other.last)
    expect(reasonOf(() => other.responder.read(other.last))).toBe('bad-message')
    expect(reasonOf(() => other.responder.finish())).toBe('bad-message')

    const again = upToLast(peer.identity.payload)
    expect(reasonOf(() => again.responder.read(peer.initiator().first()))).toBe('bad-message')
  })

  it('is finished before its end, or twice', () => {
    expect(reasonOf(() => new NoiseResponder(own).finish())).toBe('bad-message')
    const { responder } = upToLast(peer.identity.payload)
    expect(reasonOf(() => responder.finish())).toBe('bad-message')

    const whole = upToLast(peer.identity.payload)
    whole.responder.read(whole.last)
    whole.responder.finish()
    expect(reasonOf(() => whole.responder.finish())).toBe('bad-message')
  })

  it('is any bytes at all: only a NoiseError comes of them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 }), async (messages) => {
        const responder = new NoiseResponder(own)
        for (const message of messages) reasonOf(() => responder.read(message))
        expect(reasonOf(() => responder.finish())).toBe('bad-message')
      })
    )
  })

  it('has any payload at all: only a NoiseError comes of it', async () => {
    const type = fc.constantFrom(0, 1, 2, 3, 4)
    const anyKey = fc
      .tuple(type, fc.uint8Array({ maxLength: 100 }))
      .map(([kind, data]) => Buffer.concat([Buffer.from([8, kind, 0x12, data.length]), data]))
    await fc.assert(
      fc.asyncProperty(anyKey, fc.uint8Array({ maxLength: 80 }), async (identityKey, signature) => {
        const { responder, last } = upToLast(encodePayload({ identityKey, signature, streamMuxers: [] }))
        responder.read(last)
        const error = await (async () => responder.finish())().catch((cause: unknown) => cause)
        expect(error).toBeInstanceOf(NoiseError)
      }),
      { numRuns: 60 }
    )
  })
})

describe('the muxer', () => {
  it('is the first of the initiator that the responder has', () => {
    const ours = ['/yamux/1.0.0', '/mplex/6.7.0']
    expect(chooseStreamMuxer(['/a', '/mplex/6.7.0', '/yamux/1.0.0'], ours)).toBe('/mplex/6.7.0')
    expect(chooseStreamMuxer(['/a'], ours)).toBeUndefined()
    expect(chooseStreamMuxer([], ours)).toBeUndefined()
  })
})
