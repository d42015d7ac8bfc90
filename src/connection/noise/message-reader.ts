import { NoiseError } from './error.ts'
import { lengthBytes } from './xx-responder.ts'

/**
 * A handshake message has an identity key, a signature and little else: some 200 bytes, 1.2 KiB with RSA. Noise would allow
 * 64 KiB, which nobody who is unknown yet should make this node hold.
 */
export const maxHandshakeMessageBytes = 8 * 1024

const none = new Uint8Array(0)

/** Takes the messages of a handshake from bytes that come in any pieces. Holds less than one message. */
export class MessageReader {
  #bytes: Uint8Array = none

  push(chunk: Uint8Array): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
  }

  /**
   * The next message without its length; undefined: it is not there yet, and what is was copied.
   *
   * @throws NoiseError bad-message
   */
  next(): Uint8Array | undefined {
    const bytes = this.#bytes
    const [high, low] = bytes
    const length = high === undefined || low === undefined ? 0 : (high << 8) | low
    if (length > maxHandshakeMessageBytes) throw new NoiseError('bad-message')
    if (low === undefined || bytes.length < lengthBytes + length) {
      if (bytes.length > 0) this.#bytes = new Uint8Array(bytes)
      return undefined
    }
    this.#bytes = bytes.subarray(lengthBytes + length)
    return bytes.subarray(lengthBytes, lengthBytes + length)
  }

  /** What came behind the last message. */
  rest(): Uint8Array {
    const rest = this.#bytes
    this.#bytes = none
    return rest
  }
}
