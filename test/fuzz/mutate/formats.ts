import { mutateElements, type Piece } from './elements.ts'

/** protobuf.dev, "Encoding", by other means than the code under test. */
export function varintOf(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt(Math.max(0, value))
  for (; rest >= 128n; rest /= 128n) bytes.push(Number(rest % 128n) + 128)
  return Uint8Array.from([...bytes, Number(rest)])
}

/** A varint below 2^31 at `at`, and where it ends. */
export function readNumber(bytes: Uint8Array, at: number): { value: number; end: number } | undefined {
  let value = 0
  for (let i = 0; i < 4; i++) {
    const byte = bytes[at + i]
    if (byte === undefined) return undefined
    value |= (byte & 127) << (7 * i)
    if (byte < 128) return { value, end: at + i + 1 }
  }
  return undefined
}

function protobufPieces(bytes: Uint8Array): readonly Piece[] | undefined {
  const pieces: Piece[] = []
  for (let at = 0; at < bytes.length; ) {
    const start = at
    const tag = readNumber(bytes, at)
    if (tag === undefined) return undefined
    const kind = tag.value & 7
    const number = kind === 0 || kind === 2 ? readNumber(bytes, tag.end) : undefined
    if (kind === 1 || kind === 5) at = tag.end + (kind === 1 ? 8 : 4)
    else if (number === undefined) return undefined
    else at = number.end + (kind === 2 ? number.value : 0)
    if (at > bytes.length) return undefined
    const head = bytes.slice(start, tag.end)
    const wrap = (content: Uint8Array, lie: number) => Buffer.concat([head, varintOf(content.length + lie), content])
    const whole = bytes.subarray(start, at)
    pieces.push(
      kind === 2 && number !== undefined
        ? { bytes: whole, inner: { bytes: bytes.subarray(number.end, at), wrap } }
        : { bytes: whole }
    )
  }
  return pieces
}

/** Messages with a varint length in front: kad and identify on a stream, lines of multistream-select. */
function framedPieces(inside?: (bytes: Uint8Array) => readonly Piece[] | undefined) {
  return (bytes: Uint8Array): readonly Piece[] | undefined => {
    const pieces: Piece[] = []
    for (let at = 0; at < bytes.length; ) {
      const length = readNumber(bytes, at)
      const end = length === undefined ? Number.NaN : length.end + length.value
      if (length === undefined || !(end <= bytes.length)) return inside?.(bytes)
      const wrap = (content: Uint8Array, lie: number) => Buffer.concat([varintOf(content.length + lie), content])
      pieces.push({ bytes: bytes.subarray(at, end), inner: { bytes: bytes.subarray(length.end, end), wrap } })
      at = end
    }
    return pieces
  }
}

/** DER (X.690). */
function derPieces(bytes: Uint8Array): readonly Piece[] | undefined {
  const pieces: Piece[] = []
  for (let at = 0; at < bytes.length; ) {
    const [tag = 0, first] = bytes.subarray(at)
    if (first === undefined || first > 0x82) return undefined
    const lengthBytes = first < 0x80 ? 0 : first & 127
    let length = first < 0x80 ? first : 0
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0)
    const start = at + 2 + lengthBytes
    const end = start + length
    if (end > bytes.length) return undefined
    const wrap = (content: Uint8Array, lie: number) => Buffer.concat([derHead(tag, content.length + lie), content])
    pieces.push({ bytes: bytes.subarray(at, end), inner: { bytes: bytes.subarray(start, end), wrap } })
    at = end
  }
  return pieces
}

function derHead(tag: number, length: number): Uint8Array {
  const low = Math.max(0, length) % 65536
  if (low < 128) return Uint8Array.of(tag, low)
  return low < 256 ? Uint8Array.of(tag, 0x81, low) : Uint8Array.of(tag, 0x82, low >> 8, low & 255)
}

/** Two bytes of length, big-endian: messages and records of Noise. */
function noisePieces(bytes: Uint8Array): readonly Piece[] | undefined {
  const pieces: Piece[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 2 + (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)
    if (end > bytes.length || at + 2 > bytes.length) return undefined
    const wrap = (content: Uint8Array, lie: number) => {
      const length = Math.max(0, content.length + lie) % 65536
      return Buffer.concat([Uint8Array.of(length >> 8, length & 255), content])
    }
    pieces.push({ bytes: bytes.subarray(at, end), inner: { bytes: bytes.subarray(at + 2, end), wrap } })
    at = end
  }
  return pieces
}

/** yamux: twelve bytes of header, and a payload behind those of type 0. */
function yamuxPieces(bytes: Uint8Array): readonly Piece[] | undefined {
  const pieces: Piece[] = []
  for (let at = 0; at < bytes.length; ) {
    if (at + 12 > bytes.length) return undefined
    const head = Buffer.from(bytes.subarray(at, at + 12))
    const end = at + 12 + (head[1] === 0 ? head.readUInt32BE(8) : 0)
    if (end > bytes.length) return undefined
    const wrap = (content: Uint8Array, lie: number) => {
      const changed = Buffer.from(head)
      changed.writeUInt32BE(Math.max(0, content.length + lie) % 2 ** 32, 8)
      return Buffer.concat([changed, content])
    }
    pieces.push({ bytes: bytes.subarray(at, end), inner: { bytes: bytes.subarray(at + 12, end), wrap } })
    at = end
  }
  return pieces
}

export const mutateProtobuf = mutateElements(protobufPieces)
export const mutateFramed = mutateElements(framedPieces(protobufPieces))
export const mutateDer = mutateElements(derPieces)
export const mutateNoise = mutateElements(noisePieces)
export const mutateYamux = mutateElements(yamuxPieces)
