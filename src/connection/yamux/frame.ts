/** The wire format of https://github.com/hashicorp/yamux/blob/master/spec.md: a header of 12 bytes, big endian. */
export const HEADER_BYTES = 12

export const VERSION = 0

export const DATA = 0
export const WINDOW_UPDATE = 1
export const PING = 2
export const GO_AWAY = 3

export const SYN = 1
export const ACK = 2
export const FIN = 4
export const RST = 8
export const KNOWN_FLAGS = SYN | ACK | FIN | RST

export const GO_AWAY_PROTOCOL_ERROR = 1

export const MAX_UINT32 = 2 ** 32 - 1

/** What each side of a new stream may send before it hears more; the specification's. */
export const INITIAL_WINDOW_BYTES = 256 * 1024

/** Payload of one frame of ours. go-yamux sends as much, so that one stream does not keep the others waiting. */
export const MAX_PAYLOAD_BYTES = 64 * 1024

/**
 * @param length bytes of payload, delta of a window, ping's value or go-away's code, depending on the type
 */
export function encodeHeader(type: number, flags: number, streamId: number, length: number): Uint8Array {
  const header = Buffer.allocUnsafe(HEADER_BYTES)
  header[0] = VERSION
  header[1] = type
  header[2] = flags >>> 8
  header[3] = flags
  header[4] = streamId >>> 24
  header[5] = streamId >>> 16
  header[6] = streamId >>> 8
  header[7] = streamId
  header[8] = length >>> 24
  header[9] = length >>> 16
  header[10] = length >>> 8
  header[11] = length
  return header
}
