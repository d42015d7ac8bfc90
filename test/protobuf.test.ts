import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesField, readFields, readVarint, varint } from '../src/protobuf.ts'

type Field = { field: number } & ({ kind: 0; value: number } | { kind: 2; value: Uint8Array } | { kind: 1 | 5 })

/** protobuf.dev, "Encoding", by other means than the code under test. */
function naiveVarint(value: bigint): number[] {
  return value < 128n ? [Number(value)] : [Number(value % 128n) + 128, ...naiveVarint(value / 128n)]
}
function naive(fields: readonly Field[]): Uint8Array {
  return Uint8Array.from(
    fields.flatMap((item) => {
      const tag = naiveVarint(BigInt(item.field) * 8n + BigInt(item.kind))
      if (item.kind === 0) return [...tag, ...naiveVarint(BigInt(item.value))]
      if (item.kind === 2) return [...tag, ...naiveVarint(BigInt(item.value.length)), ...item.value]
      return [...tag, ...new Array<number>(item.kind === 1 ? 8 : 4).fill(0xff)]
    })
  )
}
function read(bytes: Uint8Array): [number, number | number[]][] | undefined {
  const found: [number, number | number[]][] = []
  const whole = readFields(bytes, (field, value) => {
    found.push([field, typeof value === 'number' ? value : [...value]])
  })
  return whole ? found : undefined
}

const field = fc.integer({ min: 1, max: 2 ** 29 - 1 })
const someField: fc.Arbitrary<Field> = fc.oneof(
  fc.record({ field, kind: fc.constant(0 as const), value: fc.maxSafeNat() }),
  fc.record({ field, kind: fc.constant(2 as const), value: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({ field, kind: fc.constantFrom(1 as const, 5 as const) })
)

describe('protobuf', () => {
  it('reads what a plain encoder writes, and skips what nobody asks for', () => {
    fc.assert(
      fc.property(fc.array(someField), (fields) => {
        const expected = fields.flatMap((item) =>
          item.kind === 0 ? [[item.field, item.value]] : item.kind === 2 ? [[item.field, [...item.value]]] : []
        )
        expect(read(naive(fields))).toEqual(expected)
      })
    )
  })

  it('writes what a plain encoder writes', () => {
    fc.assert(
      fc.property(field, fc.uint8Array({ maxLength: 300 }), fc.maxSafeNat(), (number, value, length) => {
        expect([...bytesField(number, value)]).toEqual([...naive([{ field: number, kind: 2, value }])])
        expect([...varint(length)]).toEqual(naiveVarint(BigInt(length)))
        expect(readVarint(varint(length), { offset: 0 })).toBe(length)
      })
    )
  })

  it('takes no message that is cut off', () => {
    fc.assert(
      fc.property(fc.array(someField, { minLength: 1, maxLength: 1 }), fc.nat(), (fields, at) => {
        const bytes = naive(fields)
        const length = at % bytes.length
        expect(read(bytes.subarray(0, length))).toEqual(length === 0 ? [] : undefined)
      })
    )
  })

  it.each([
    ['field 0', [0x02, 0x00]],
    ['a group', [0x0b, 0x0c]],
    ['a type that does not exist', [0x0e]],
    ['a varint of eleven bytes', [0x08, ...new Array<number>(10).fill(0xff), 0x01]],
    ['a length of 2^63', [0x0a, ...naiveVarint(2n ** 63n)]]
  ])('takes no %s', (_what, bytes) => {
    expect(read(Uint8Array.from(bytes))).toBeUndefined()
  })

  it('takes no message of more fields than a real one has: each costs much more than its two bytes', () => {
    const many = (fields: number) => Buffer.from('0801'.repeat(fields), 'hex')
    expect(read(many(1024))).toHaveLength(1024)
    expect(read(many(1025))).toBeUndefined()
    expect(readFields(many(8), () => {}, 8)).toBe(true)
    expect(readFields(many(9), () => {}, 8)).toBe(false)
  })

  it('stops when it is told to', () => {
    const seen: number[] = []
    const bytes = naive([1, 2, 3].flatMap((number) => [{ field: number, kind: 0, value: 1 } as const]))
    expect(readFields(bytes, (number) => seen.push(number) < 2)).toBe(false)
    expect(readFields(bytesField(7, bytes), () => false)).toBe(false)
    expect(seen).toEqual([1, 2])
  })

  it('copies nothing, and nothing makes it throw', () => {
    const bytes = bytesField(1, Uint8Array.of(1, 2, 3))
    readFields(bytes, (_field, value) => expect((value as Uint8Array).buffer).toBe(bytes.buffer))
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (random) => void readFields(random, () => {})))
  })
})
