import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { identityFromKey, newIdentity, privateKeyHex } from '../../src/identity/identity.ts'
import { parsePrivateKey, publicKeyOf } from '../../src/identity/key-formats.ts'

// seed 00..1f: the public key and the peer id are those that go-libp2p derives
const seed = Buffer.from(Array.from({ length: 32 }, (_, i) => i))
const publicKey = Buffer.from('03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8', 'hex')
const peerId = '12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB'
const raw = Buffer.concat([seed, publicKey]).toString('hex')

describe('parsePrivateKey', () => {
  it.each([
    ['128 digits', raw],
    ['192 digits, with the public key twice', raw + publicKey.toString('hex')],
    ['136 digits, protobuf', `08011240${raw}`],
    ['a leading 0x', `0x${raw}`],
    ['capitals', raw.toUpperCase()],
    ['white space around', `  ${raw}\n`]
  ])('reads %s', (_form, text) => {
    const key = parsePrivateKey(text)
    if ('problem' in key) throw new Error(key.problem)
    expect(identityFromKey(key).peerId).toBe(peerId)
  })

  it.each([
    ['another length', raw.slice(2), /126 digits/],
    ['nothing', '', /0 digits/],
    ['no hexadecimal', `zz${raw.slice(2)}`, /no hexadecimal digits/],
    ['a public half of another seed', raw.slice(0, 64) + '11'.repeat(32), /does not belong to its seed/],
    ['two public keys that differ', `${raw}${'11'.repeat(32)}`, /differ/],
    ['136 digits of something else', `08021240${raw}`, /no protobuf Ed25519 key/]
  ])('refuses %s and says why', (_form, text, why) => {
    expect(parsePrivateKey(text)).toEqual({ problem: expect.stringMatching(why) })
  })

  it('never repeats a part of the key in the reason', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f]{100,200}$/), (text) => {
        const key = parsePrivateKey(text)
        return 'problem' in key && !key.problem.includes(text.slice(0, 8))
      })
    )
  })

  it('derives the public key of a seed', () => {
    expect(publicKeyOf(seed)).toEqual(publicKey)
  })

  it('reads what is generated', async () => {
    const identity = await newIdentity()
    const key = parsePrivateKey(privateKeyHex(identity))
    if ('problem' in key) throw new Error(key.problem)
    expect(identityFromKey(key).peerId).toBe(identity.peerId)
  })
})
