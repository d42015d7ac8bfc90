import { readVarint } from './wire.ts'

/**
 * The largest request that is taken: an ADD_PROVIDER with 32 addresses or an IPNS record of 10 KiB. Go takes 4 MiB and so
 * lets one connection leave 128 MiB in memory.
 */
export const maxRequestBytes = 64 * 1024

/** A varint of at most 4 MiB has four bytes; one that goes on is no length of ours. */
const maxPrefixBytes = 4

/**
 * Takes a stream of bytes apart into messages with a varint length in front of each. Holds at most one incomplete message,
 * in the chunks it came in: joined once, when it is whole.
 */
export class FrameReader {
  readonly #maxFrameBytes: number
  #chunks: Uint8Array[] = []
  #pendingBytes = 0
  /** What has to be there before it is worth looking again. */
  #neededBytes = 1

  /** @param maxFrameBytes larger messages are `invalid` before they have arrived */
  constructor(maxFrameBytes = maxRequestBytes) {
    this.#maxFrameBytes = maxFrameBytes
  }

  /** Bytes of an incomplete message. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#pendingBytes += chunk.length
  }

  /** The next whole message; `more`: not there yet; `invalid`: too large, or no length at all. */
  next(): Uint8Array | 'more' | 'invalid' {
    if (this.#pendingBytes < this.#neededBytes) return 'more'
    const bytes = this.#joined()
    const at = { offset: 0 }
    const length = readVarint(bytes, at)
    if (length === undefined) {
      if (bytes.length >= maxPrefixBytes) return 'invalid'
      this.#neededBytes = bytes.length + 1
      return 'more'
    }
    if (length > this.#maxFrameBytes) return 'invalid'
    const end = at.offset + length
    if (bytes.length < end) {
      this.#neededBytes = end
      return 'more'
    }
    this.#neededBytes = 1
    this.#pendingBytes = bytes.length - end
    this.#chunks = this.#pendingBytes === 0 ? [] : [bytes.subarray(end)]
    return bytes.subarray(at.offset, end)
  }

  #joined(): Uint8Array {
    const [first] = this.#chunks
    const bytes = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks)
    this.#chunks = [bytes]
    return bytes
  }
}
