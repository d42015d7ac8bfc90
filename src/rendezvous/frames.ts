import { maxMessageBytes, readVarint } from './wire.ts'

/** A varint of 4 MiB has four bytes; one that goes on is no length of ours. */
const maxPrefixBytes = 4

/**
 * Takes a stream of bytes apart into messages with a varint length in front of each. Holds at most one incomplete
 * message, and nothing at all between messages.
 */
export class FrameReader {
  #pending: Uint8Array = new Uint8Array(0)

  /** Bytes of an incomplete message. */
  get pendingBytes(): number {
    return this.#pending.length
  }

  push(chunk: Uint8Array): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
  }

  /** The next whole message; `more`: not there yet; `invalid`: too large, or no length at all. */
  next(): Uint8Array | 'more' | 'invalid' {
    const at = { offset: 0 }
    const length = readVarint(this.#pending, at)
    if (length === undefined) return this.#pending.length >= maxPrefixBytes ? 'invalid' : 'more'
    if (length > maxMessageBytes) return 'invalid'
    const end = at.offset + length
    if (this.#pending.length < end) return 'more'
    const frame = this.#pending.subarray(at.offset, end)
    this.#pending = end === this.#pending.length ? new Uint8Array(0) : this.#pending.subarray(end)
    return frame
  }
}
