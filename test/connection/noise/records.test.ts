import { createCipheriv } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CipherState } from '../../../src/connection/noise/cipher-state.ts'
import { NoiseError } from '../../../src/connection/noise/error.ts'
import { maxPlaintextBytes, NoiseRecords } from '../../../src/connection/noise/records.ts'

const keys = new Uint8Array(64).map((_, i) => i)
const firstKey = keys.slice(0, 32)

/** Both ends of a connection. */
function pair(next = 0) {
  const end = (own: number, other: number) =>
    new NoiseRecords({ send: new CipherState(keys, own, next), receive: new CipherState(keys, other, next) })
  return { here: end(0, 32), there: end(32, 0) }
}

/** What comes out of chunks; each is overwritten after the call, as its owner may. */
function received(records: NoiseRecords, ...chunks: readonly Uint8Array[]): Buffer[] {
  const out: Buffer[] = []
  for (const chunk of chunks) {
    const own = new Uint8Array(chunk)
    records.push(own, (plaintext) => void out.push(Buffer.from(plaintext)))
    own.fill(0xee)
  }
  return out
}

/** Cut at the given places, in any order. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
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

const part = fc.uint8Array({ maxLength: 300 })
const places = fc.array(fc.nat(), { maxLength: 30 })

describe('records', () => {
  it('come out as they went in, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.array(part, { maxLength: 5 }), { maxLength: 8 }), places, (writes, where) => {
        const { here, there } = pair()
        const wire = Buffer.concat(writes.map((parts) => here.seal(parts)))
        const expected = writes.map((parts) => Buffer.concat(parts)).filter(({ length }) => length > 0)
        expect(received(there, ...cut(wire, where))).toEqual(expected)
      })
    )
  })

  it('come out when so many at most are opened at once, and the rest is pushed again', () => {
    const most = fc.integer({ min: 1, max: 5 })
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), places, most, (writes, where, most) => {
        const { here, there } = pair()
        const wire = Buffer.concat(writes.map((bytes) => here.seal([bytes])))
        const out: Buffer[] = []
        let opened = 0
        for (const chunk of cut(wire, where)) {
          for (let rest = new Uint8Array(chunk); rest.length > 0; ) {
            const pushed = there.push(rest, (plaintext) => void out.push(Buffer.from(plaintext)), most)
            expect(pushed.records).toBeLessThanOrEqual(most)
            opened += pushed.records
            rest = new Uint8Array(pushed.rest)
          }
        }
        const expected = writes.filter(({ length }) => length > 0).map((bytes) => Buffer.from(bytes))
        expect([out, opened]).toEqual([expected, expected.length])
      })
    )
  })

  it('come out when they are sent byte by byte', () => {
    const { here, there } = pair()
    const wire = Buffer.concat([here.seal([Buffer.from('one')]), here.seal([Buffer.from('two')])])
    expect(received(there, ...cut(wire, [...wire.keys()])).map(String)).toEqual(['one', 'two'])
  })

  it('go both ways at once, also from within the call', () => {
    const { here, there } = pair()
    const replies: Buffer[] = []
    there.push(Buffer.concat([here.seal([Buffer.from('a')]), here.seal([Buffer.from('b')])]), (plaintext) => {
      replies.push(there.seal([Buffer.from('to '), plaintext]))
    })
    expect(received(here, ...replies).map(String)).toEqual(['to a', 'to b'])
  })

  it('are as few as can be, and no longer than 65,535 bytes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 70_000 }), { maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 5 }),
        (sizes, where) => {
          const parts = sizes.map((size, i) => new Uint8Array(size).map((_, at) => at * (i + 3)))
          const { here, there } = pair()
          const wire = here.seal(parts)
          const whole = Buffer.concat(parts)
          const out = received(there, ...cut(wire, where))
          expect(Buffer.concat(out).equals(whole)).toBe(true)
          expect(out.length).toBe(Math.ceil(whole.length / maxPlaintextBytes))
          expect(out.every(({ length }, i) => length === maxPlaintextBytes || i === out.length - 1)).toBe(true)
          expect(wire.length).toBe(whole.length + 18 * out.length)
        }
      ),
      {
        numRuns: 20,
        examples: [
          [[65_519], []],
          [[65_520], [1, 65_538]],
          [[1, 65_518, 65_519], []]
        ]
      }
    )
  })

  it('may be empty, which says nothing', () => {
    const { here, there } = pair()
    const empty = Buffer.alloc(18)
    empty.writeUInt16BE(16)
    new CipherState(keys, 0).encrypt(empty.subarray(2), empty.subarray(2, 2), null)
    expect(received(there, empty)).toEqual([])
    here.seal([Buffer.from('the first, which the empty one stands for')])
    expect(received(there, here.seal([Buffer.from('x')])).map(String)).toEqual(['x'])
  })

  it('do not touch what is sent', () => {
    const parts = [Buffer.from('one'), Buffer.from('two')]
    pair().here.seal(parts)
    expect(parts.map(String)).toEqual(['one', 'two'])
  })
})

describe('a damaged record', () => {
  const wire = () => {
    const { here, there } = pair()
    return { there, records: ['one', 'two', 'three'].map((text) => here.seal([Buffer.from(text)])) }
  }

  it('ends the connection, wherever the bit is and however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(7), places, (at, bit, where) => {
        const { there, records } = wire()
        const bytes = Buffer.concat(records)
        bytes[at % bytes.length]! ^= 1 << bit
        const out: string[] = []
        const push = (chunk: Uint8Array) => reasonOf(() => there.push(chunk, (text) => out.push(String(text))))
        const reasons = cut(bytes, where).map((chunk) => push(Buffer.from(chunk)))
        // a longer length only makes it wait, for bytes that do not come
        expect(reasons.every((reason) => reason === 'none' || reason === 'bad-record')).toBe(true)
        expect(reasons.filter((reason) => reason === 'bad-record').length).toBeLessThanOrEqual(1)
        expect(out.length).toBeLessThan(3)
      })
    )
  })

  it.each([
    ['missing', (r: Buffer[]) => [r[0]!, r[2]!], 1],
    ['in another order', (r: Buffer[]) => [r[1]!, r[0]!], 0],
    ['sent twice', (r: Buffer[]) => [r[0]!, r[0]!], 1],
    ['our own, sent back', () => [pair().there.seal([Buffer.from('x')])], 0],
    ['too short for a tag', () => [Buffer.from([0, 15])], 0],
    ['too short for a tag and cut in its length', () => [Buffer.from([0]), Buffer.from([15])], 0]
  ])('is one that is %s', (_, change, good) => {
    const { there, records } = wire()
    const out: Uint8Array[] = []
    const chunks = change(records).map((chunk) => Buffer.from(chunk))
    expect(reasonOf(() => chunks.map((chunk) => there.push(chunk, (text) => void out.push(text))))).toBe('bad-record')
    expect(out.length).toBe(good)
  })

  it('is the last that is read or answered', () => {
    const { here, there } = pair()
    const first = here.seal([Buffer.from('x')])
    const broken = Buffer.from(first)
    broken[5]! ^= 1
    expect(reasonOf(() => received(there, broken))).toBe('bad-record')
    expect(received(there, first)).toEqual([])
    expect(there.seal([Buffer.from('y')]).length).toBe(0)
  })

  it('is any bytes at all: only a NoiseError comes of them', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), (chunks) => {
        const { there } = pair()
        for (const chunk of chunks) expect(reasonOf(() => received(there, chunk))).toMatch(/^(none|bad-record)$/)
      })
    )
  })
})

describe('closing', () => {
  it('drops the rest of the chunk that is being read, and what comes later', () => {
    const { here, there } = pair()
    const [one, two, three] = ['one', 'two', 'three'].map((text) => here.seal([Buffer.from(text)]))
    const out: string[] = []
    there.push(Buffer.concat([one!, two!, three!.subarray(0, 5)]), (text) => {
      out.push(String(text))
      there.close()
    })
    there.push(three!.subarray(5), (text) => out.push(String(text)))
    expect(out).toEqual(['one'])
  })

  it('gives back the memory of a partial record', () => {
    const { here, there } = pair()
    received(there, here.seal([Buffer.from('one')]).subarray(0, 5))
    expect(there.pendingBytes).toBe(5)
    there.close()
    expect(there.pendingBytes).toBe(0)
  })
})

describe('the partial record', () => {
  it('takes memory as the peer sends, not as it announces', () => {
    const { there } = pair()
    received(there, Buffer.from([0xff]))
    expect(there.pendingBytes).toBe(1)
    received(there, Buffer.from([0xff]))
    expect(there.pendingBytes).toBe(2)
    received(there, new Uint8Array(100))
    expect(there.pendingBytes).toBe(102)
    received(there, new Uint8Array(1))
    expect(there.pendingBytes).toBe(204)
  })

  it('takes no more than the longest record, and is gone when it is whole', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 12 }), (sizes) => {
        const { here, there } = pair()
        const wire = here.seal([new Uint8Array(maxPlaintextBytes)])
        let at = 0
        for (const size of sizes) {
          received(there, wire.subarray(at, at + size))
          at = Math.min(wire.length, at + size)
          expect(there.pendingBytes).toBeLessThanOrEqual(at === wire.length ? 0 : Math.min(2 * at, 65_537))
        }
        expect(received(there, wire.subarray(at)).length).toBe(at === wire.length ? 0 : 1)
        expect(there.pendingBytes).toBe(0)
      })
    )
  })
})

describe('the number of a record', () => {
  it('is as in the specification also beyond 32 bits', () => {
    for (const next of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 5, Number.MAX_SAFE_INTEGER - 1]) {
      const nonce = Buffer.alloc(12)
      nonce.writeBigUInt64LE(BigInt(next), 4)
      const cipher = createCipheriv('chacha20-poly1305', firstKey, nonce, { authTagLength: 16 })
      const sealed = Buffer.concat([cipher.update('hello'), cipher.final(), cipher.getAuthTag()])
      expect(
        pair(next)
          .here.seal([Buffer.from('hello')])
          .subarray(2)
      ).toEqual(sealed)
    }
  })

  it('has an end, rather than being used twice', () => {
    const { here, there } = pair(Number.MAX_SAFE_INTEGER - 1)
    const last = here.seal([Buffer.from('last')])
    expect(received(there, last).map(String)).toEqual(['last'])
    expect(reasonOf(() => here.seal([Buffer.from('one more')]))).toBe('nonce-exhausted')
    expect(reasonOf(() => received(there, last))).toBe('nonce-exhausted')
  })
})
