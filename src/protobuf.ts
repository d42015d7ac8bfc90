/**
 * The little of protobuf (protobuf.dev, "Encoding") that the wire formats here need. Hand-written, since every join and every
 * answer goes through it: reading copies nothing.
 */
const VARINT = 0
const FIXED_64 = 1
const LENGTH_DELIMITED = 2
const FIXED_32 = 5

/**
 * Fields of one message: identify's 256 protocols and 64 addresses, and room. A field can have two bytes and costs as much as
 * a hundred bytes that are only passed on.
 */
const maxFieldsOfAny = 1024

/**
 * Calls `take` for each varint and each length-delimited field; others are skipped. Of a field that comes twice the caller
 * takes the last, or both, as the message says.
 *
 * @param take byte arrays are views of `bytes`; false from it ends the reading
 * @param maxFields skipped ones included
 * @returns false for what is no protobuf message or has more fields, or when `take` said so
 */
export function readFields(
  bytes: Uint8Array,
  take: (field: number, value: number | Uint8Array) => unknown,
  maxFields = maxFieldsOfAny
): boolean {
  const at = { offset: 0 }
  for (let fields = 0; at.offset < bytes.length; fields++) {
    if (fields === maxFields) return false
    const tag = readVarint(bytes, at)
    if (tag === undefined || tag < 8) return false // cut off, or field 0
    const field = Math.floor(tag / 8)
    const kind = tag % 8
    if (kind === VARINT || kind === LENGTH_DELIMITED) {
      const number = readVarint(bytes, at)
      if (number === undefined) return false
      if (kind === VARINT) {
        if (take(field, number) === false) return false
        continue
      }
      const end = at.offset + number
      if (end > bytes.length) return false
      if (take(field, bytes.subarray(at.offset, end)) === false) return false
      at.offset = end
    } else if (kind === FIXED_64 || kind === FIXED_32) {
      at.offset += kind === FIXED_64 ? 8 : 4
      if (at.offset > bytes.length) return false
    } else {
      return false // a group, or nothing known
    }
  }
  return true
}

/** The varint at `at.offset`, which moves behind it; undefined: cut off at `end`, or over 10 bytes. Exact below 2^53. */
export function readVarint(bytes: Uint8Array, at: { offset: number }, end: number = bytes.length): number | undefined {
  let value = 0
  let scale = 1
  for (let i = 0; i < 10; i++) {
    const byte = at.offset < end ? bytes[at.offset] : undefined
    if (byte === undefined) return undefined
    at.offset++
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
    scale *= 128
  }
  return undefined
}

/** A length-delimited field. */
export function bytesField(field: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([varint(field * 8 + LENGTH_DELIMITED), varint(value.length), value])
}

/** @param value below 2^53 */
export function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  bytes.push(rest)
  return Uint8Array.from(bytes)
}
