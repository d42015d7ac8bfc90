import { bytesField, readFields } from '../../protobuf.ts'

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

  const whole = readFields(bytes, (field, value) => {
    if (typeof value === 'number') return true
    if (field === 1) identityKey = value
    else if (field === 2) signature = value
    else if (field === 4) extensionsAreWhole &&= readExtensions(value, streamMuxers)
    return true
  })
  return whole && extensionsAreWhole ? { identityKey, signature, streamMuxers } : undefined
}

function readExtensions(bytes: Uint8Array, streamMuxers: string[]): boolean {
  return readFields(bytes, (field, value) => {
    if (typeof value === 'number') return true
    if (field === 2 && streamMuxers.length < maxStreamMuxers) {
      streamMuxers.push(Buffer.from(value.buffer, value.byteOffset, value.length).toString())
    }
    return true
  })
}
