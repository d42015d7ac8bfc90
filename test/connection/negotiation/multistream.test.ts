import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MultistreamError } from '../../../src/connection/negotiation/error.ts'
import { encodeLine } from '../../../src/connection/negotiation/lines.ts'
import { Initiator, Responder } from '../../../src/connection/negotiation/multistream.ts'

const greeting = Buffer.from('132f6d756c746973747265616d2f312e302e300a', 'hex')
const bytesOf = (...lines: string[]) => Buffer.concat(lines.map(encodeLine))

/** Feeds `bytes` in pieces of the given sizes; what was answered and selected. */
function respond(responder: Responder, bytes: Uint8Array, sizes: readonly number[] = [bytes.length]) {
  const answers: Uint8Array[] = []
  let at = 0
  for (let i = 0; at < bytes.length; i++) {
    const end = at + (sizes[i % sizes.length] ?? 1)
    const piece = Uint8Array.from(bytes.subarray(at, end))
    const selected = responder.push(piece, (answer) => answers.push(answer))
    // the chunk is the caller's: what is kept has to be a copy
    if (selected !== undefined) {
      return { answer: Buffer.concat(answers), ...selected, rest: Buffer.concat([selected.rest, bytes.subarray(end)]) }
    }
    piece.fill(0)
    at = end
  }
  return { answer: Buffer.concat(answers), protocol: undefined, rest: Buffer.alloc(0) }
}

const supportsKad = () => new Responder((name) => name === '/ipfs/kad/1.0.0')

describe('the responder', () => {
  test('writes the bytes of the specification', () => {
    const { answer } = respond(supportsKad(), greeting)
    expect(answer).toEqual(greeting)
  })

  test('refuses names until one is supported, and leaves the rest to the protocol', () => {
    const sent = Buffer.concat([bytesOf('/multistream/1.0.0', '/other/1', '/ipfs/kad/1.0.0'), Buffer.from('first')])
    const { answer, protocol, rest } = respond(supportsKad(), sent)
    expect(protocol).toBe('/ipfs/kad/1.0.0')
    expect(rest.toString()).toBe('first')
    expect(answer).toEqual(bytesOf('/multistream/1.0.0', 'na', '/ipfs/kad/1.0.0'))
  })

  test('answers all that came in one piece with one write', () => {
    let writes = 0
    supportsKad().push(bytesOf('/multistream/1.0.0', '/other/1', '/ipfs/kad/1.0.0'), () => writes++)
    expect(writes).toBe(1)
  })

  test('takes pieces of any size', () => {
    const sent = Buffer.concat([
      bytesOf('/multistream/1.0.0', `/${'n'.repeat(200)}`, '/ipfs/kad/1.0.0'),
      Buffer.from('x')
    ])
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sizes) => {
        const { protocol, rest } = respond(supportsKad(), sent, sizes)
        expect(protocol).toBe('/ipfs/kad/1.0.0')
        expect(rest.toString()).toBe('x')
      })
    )
  })

  test.each([
    ['another greeting', bytesOf('/multistream/2.0.0'), 'no-multistream'],
    ['a line without end', Buffer.from([3, 97, 97, 97]), 'not-a-line'],
    ['an empty line', Buffer.from([0, 97]), 'not-a-line'],
    ['a line over the limit', Buffer.from([0xff, 0x7f]), 'line-too-long'],
    ['a length without end', Buffer.from([0xff, 0xff, 0xff, 0xff]), 'line-too-long'],
    ['names without end', bytesOf('/multistream/1.0.0', ...Array<string>(40).fill('/a')), 'too-many-proposals']
  ])('fails for %s', (_, bytes, reason) => {
    expect(() => respond(supportsKad(), bytes)).toThrow(expect.objectContaining({ reason }))
  })

  test('throws nothing but its own error, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, greeted) => {
        try {
          respond(supportsKad(), greeted ? Buffer.concat([greeting, bytes]) : bytes, [7])
        } catch (error) {
          expect(error).toBeInstanceOf(MultistreamError)
        }
      })
    )
  })
})

describe('the initiator', () => {
  test('proposes one name after the other', () => {
    const initiator = new Initiator(['/a', '/b'])
    const written: Uint8Array[] = [initiator.opening()]
    const answers = Buffer.concat([bytesOf('/multistream/1.0.0', 'na', '/b'), Buffer.from('data')])
    const selected = initiator.push(answers, (bytes) => written.push(bytes))
    expect(Buffer.concat(written)).toEqual(bytesOf('/multistream/1.0.0', '/a', '/b'))
    expect(selected?.protocol).toBe('/b')
    expect(Buffer.from(selected?.rest ?? []).toString()).toBe('data')
  })

  test.each([['na'], ['/somethingelse']])('gives up when the answer to the last name is %s', (answer) => {
    const initiator = new Initiator(['/a'])
    expect(() => initiator.push(bytesOf('/multistream/1.0.0', answer), () => {})).toThrow(
      expect.objectContaining({ reason: 'not-supported' })
    )
  })

  test('agrees with the responder', () => {
    const initiator = new Initiator(['/x', '/ipfs/kad/1.0.0'])
    const responder = supportsKad()
    let toInitiator = Buffer.alloc(0)
    const ask = (bytes: Uint8Array): string | undefined => {
      return responder.push(bytes, (answer) => {
        toInitiator = Buffer.concat([toInitiator, answer])
      })?.protocol
    }
    expect(ask(initiator.opening())).toBeUndefined()
    let agreed: string | undefined
    const selected = initiator.push(toInitiator, (bytes) => {
      toInitiator = Buffer.alloc(0)
      agreed = ask(bytes)
    })
    expect(selected ?? initiator.push(toInitiator, () => {})).toMatchObject({ protocol: '/ipfs/kad/1.0.0' })
    expect(agreed).toBe('/ipfs/kad/1.0.0')
  })
})
