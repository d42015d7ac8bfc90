/**
 * What peers say about themselves inside the handshake (libp2p specification noise/README.md, "The libp2p Handshake
 * Payload"):
 *
 *     NoiseHandshakePayload { bytes identity_key = 1, bytes identity_sig = 2, NoiseExtensions extensions = 4 }
 *     NoiseExtensions       { repeated bytes webtransport_certhashes = 1, repeated string stream_muxers = 2 }
 *
 * Certificate hashes are for WebTransport, which is not spoken here.
 */
export interface Payload {
  /** libp2p protobuf. */
  readonly identityKey: Uint8Array
  readonly signature: Uint8Array
  /** The muxers the peer speaks, by its preference. */
  readonly streamMuxers: readonly string[]
}

/** A peer that names more (there are two in use) is heard up to here. */
const maxStreamMuxers = 16

const LENGTH_DELIMITED = 2
const nothing = new Uint8Array(0)

export function encodePayload({ identityKey, signature, streamMuxers }: Payload): Buffer {
  const extensions = Buffer.concat(streamMuxers.map((muxer) => bytesField(2, Buffer.from(muxer))))
  return Buffer.concat([bytesField(1, identityKey), bytesField(2, signature), bytesField(4, extensions)])
}

/**
 * As Go's proto3 reads it: unknown fields are skipped, of a field that comes twice the last counts, lists add up.
 *
 * @returns undefined for what is no such message. The byte arrays are views of `bytes`
 */
export function decodePayload(bytes: Uint8Array): Payload | undefined {
  let identityKey: Uint8Array = nothing
  let signature: Uint8Array = nothing
  const streamMuxers: string[] = []
  let extensionsAreWhole = true

  const whole = readBytesFields(bytes, (field, value) => {
    if (field === 1) identityKey = value
    else if (field === 2) signature = value
    else if (field === 4) extensionsAreWhole &&= readExtensions(value, streamMuxers)
  })
  return whole && extensionsAreWhole ? { identityKey, signature, streamMuxers } : undefined
}

function readExtensions(bytes: Uint8Array, streamMuxers: string[]): boolean {
  return readBytesFields(bytes, (field, value) => {
    if (field === 2 && streamMuxers.length < maxStreamMuxers) {
      streamMuxers.push(Buffer.from(value.buffer, value.byteOffset, value.length).toString())
    }
  })
}

function bytesField(field: number, value: Uint8Array): Buffer {
  const head = [(field << 3) | LENGTH_DELIMITED]
  let length = value.length
  for (; length >= 128; length >>>= 7) head.push((length & 127) | 128)
  return Buffer.concat([Buffer.from([...head, length]), value])
}

/** @returns false for what is no protobuf message */
function readBytesFields(bytes: Uint8Array, take: (field: number, value: Uint8Array) => void): boolean {
  const at = { offset: 0 }
  while (at.offset < bytes.length) {
    const tag = readVarint(bytes, at)
    if (tag === undefined || tag < 8) return false // cut off, or field 0
    const kind = tag % 8
    if (kind === LENGTH_DELIMITED) {
      const length = readVarint(bytes, at)
      if (length === undefined || length > bytes.length - at.offset) return false
      take(Math.floor(tag / 8), bytes.subarray(at.offset, at.offset + length))
      at.offset += length
    } else if (kind === 0) {
      if (readVarint(bytes, at) === undefined) return false
    } else if (kind === 1 || kind === 5) {
      at.offset += kind === 1 ? 8 : 4
      if (at.offset > bytes.length) return false
    } else {
      return false // a group, or nothing known
    }
  }
  return true
}

/** The varint at `at.offset`, which moves behind it; undefined: cut off, or over 10 bytes. */
function readVarint(bytes: Uint8Array, at: { offset: number }): number | undefined {
  let value = 0
  let scale = 1
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at.offset]
    if (byte === undefined) return undefined
    at.offset++
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
    scale *= 128
  }
  return undefined
}
