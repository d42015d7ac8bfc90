import { readVarint } from './protobuf.ts'

/**
 * The largest request that is taken: an ADD_PROVIDER with 32 addresses or an IPNS record of 10 KiB. Go takes 4 MiB and so
 * lets one connection leave 128 MiB in memory.
 */
export const maxRequestBytes = 64 * 1024

/** A varint of at most 4 MiB has four bytes; one that goes on is no length of ours. */
const maxPrefixBytes = 4

const none = new Uint8Array(0)

/**
 * Takes a stream of bytes apart into messages with a varint length in front of each. What comes whole is read where it is;
 * {@link own} copies the rest, in a buffer that doubles up to the length that the message has said: what an attacker leaves
 * half sent takes what was sent and no more than as much again, and never more than the longest message.
 */
export class FrameReader {
  readonly #maxFrameBytes: number
  #bytes: Uint8Array = none
  #from = 0
  #to = 0
  /** Whether `#bytes` is this reader's own. */
  #owned = true

  /** @param maxFrameBytes larger messages are `invalid` before they have arrived */
  constructor(maxFrameBytes = maxRequestBytes) {
    this.#maxFrameBytes = maxFrameBytes
  }

  /** Bytes that are not read yet. */
  get pendingBytes(): number {
    return this.#to - this.#from
  }

  /** @param chunk may be read from until {@link own} is called */
  push(chunk: Uint8Array): void {
    if (this.pendingBytes === 0) {
      this.#bytes = chunk
      this.#from = 0
      this.#to = chunk.length
      this.#owned = false
      return
    }
    this.#makeRoom(chunk.length)
    this.#bytes.set(chunk, this.#to)
    this.#to += chunk.length
  }

  /** Memory of this reader's own. */
  get ownedBytes(): number {
    return this.#owned ? this.#bytes.length : 0
  }

  /** Copies what is pending, if it is not this reader's own yet; a message that was read before is valid no longer. */
  own(): void {
    if (this.pendingBytes === 0) this.#bytes = none
    else if (!this.#owned) this.#makeRoom(0)
  }

  /** Whether {@link next} is more than `more`. */
  get hasNext(): boolean {
    return this.#find() !== 'more'
  }

  /** The next whole message; `more`: not there yet; `invalid`: too large, or no length at all. */
  next(): Uint8Array | 'more' | 'invalid' {
    const found = this.#find()
    if (typeof found === 'string') return found
    this.#from = found.end
    return this.#bytes.subarray(found.start, found.end)
  }

  /** Bytes from the first that is pending to the end of its message; 0: its length is not there yet. */
  #firstBytes(): number {
    const at = { offset: this.#from }
    const length = this.#lengthAt(at)
    return length === undefined ? 0 : at.offset + length - this.#from
  }

  #find(): { start: number; end: number } | 'more' | 'invalid' {
    const at = { offset: this.#from }
    const length = this.#lengthAt(at)
    if (length === undefined) return this.pendingBytes >= maxPrefixBytes ? 'invalid' : 'more'
    if (length > this.#maxFrameBytes) return 'invalid'
    const end = at.offset + length
    return end > this.#to ? 'more' : { start: at.offset, end }
  }

  /** Moves `at` behind the length. */
  #lengthAt(at: { offset: number }): number | undefined {
    return readVarint(this.#bytes, at, Math.min(this.#to, this.#from + maxPrefixBytes))
  }

  #makeRoom(moreBytes: number): void {
    const neededBytes = this.pendingBytes + moreBytes
    if (this.#owned && this.#to + moreBytes <= this.#bytes.length) return
    const isRoomy = this.#owned && neededBytes <= this.#bytes.length / 2
    const newBytes = Math.max(neededBytes, Math.min(neededBytes * 2, this.#firstBytes() || maxPrefixBytes))
    const bytes = isRoomy ? this.#bytes : new Uint8Array(newBytes)
    bytes.set(this.#bytes.subarray(this.#from, this.#to))
    this.#to -= this.#from
    this.#from = 0
    this.#bytes = bytes
    this.#owned = true
  }
}
