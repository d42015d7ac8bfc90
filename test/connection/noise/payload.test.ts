import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodePayload, encodePayload } from '../../../src/connection/noise/payload.ts'

const bytes = fc.uint8Array({ maxLength: 400 })
const payload = fc.record({
  identityKey: bytes,
  signature: bytes,
  streamMuxers: fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 16 })
})
const from = (hex: string) => Buffer.from(hex, 'hex')

describe('a handshake payload', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(payload, (said) => {
        expect(same(decodePayload(encodePayload(said)))).toEqual(same(said))
      })
    )
  })

  it('may hold what is not known here', () => {
    // fields 3 (varint), 5 (8 bytes), 6 (4 bytes), 7 (bytes); in the extensions a certificate hash
    const said = decodePayload(from(`0a01aa1201bb1896012901020304050607083501020304${'3a01ff'}22060a01cc12012f`))
    expect(said).toEqual({ identityKey: from('aa'), signature: from('bb'), streamMuxers: ['/'] })
  })

  it('counts the last of what comes twice, and adds lists up', () => {
    const said = decodePayload(from('0a01aa0a01bb220312012f220312012e'))
    expect(same(said)).toEqual({ identityKey: 'bb', signature: '', streamMuxers: ['/', '.'] })
  })

  it('is heard up to 16 muxers', () => {
    const streamMuxers = Array.from({ length: 20 }, (_, i) => `/${i}`)
    const said = encodePayload({ identityKey: from(''), signature: from(''), streamMuxers })
    expect(decodePayload(said)?.streamMuxers).toEqual(streamMuxers.slice(0, 16))
  })

  it.each([
    ['a tag that is cut off', 'ff'],
    ['a length that is cut off', '0a'],
    ['bytes that are cut off', '0a02aa'],
    ['a number that is cut off', '1880'],
    ['a number of more than 10 bytes', `18${'80'.repeat(10)}00`],
    ['8 bytes that are cut off', '2901'],
    ['4 bytes that are cut off', '3501'],
    ['a group', '1b1c'],
    ['field 0', '0201aa'],
    ['extensions that are cut off', '22021205']
  ])('is none with %s', (_, hex) => {
    expect(decodePayload(from(hex))).toBeUndefined()
  })

  it('is never a reason to throw', () => {
    fc.assert(fc.property(bytes, (any) => void decodePayload(any)))
  })
})

function same(said: ReturnType<typeof decodePayload>) {
  const hex = (data: Uint8Array) => Buffer.from(data).toString('hex')
  return said && { ...said, identityKey: hex(said.identityKey), signature: hex(said.signature) }
}
