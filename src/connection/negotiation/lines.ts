import { MultistreamError } from './error.ts'

/** With the newline. Protocol names have some 20 bytes; js-libp2p takes 1,024, too. */
export const maxLineBytes = 1_024

/** A line of multistream-select: its length as a varint, the text, a newline. */
export function encodeLine(text: string): Uint8Array {
  const length = Buffer.byteLength(text) + 1
  const prefix = length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >>> 7]
  return new Uint8Array(Buffer.concat([Uint8Array.from(prefix), Buffer.from(text), Uint8Array.of(newline)]))
}

const newline = 0x0a
const none = new Uint8Array(0)

/** Takes lines from bytes that come in any pieces. Holds less than one line. */
export class LineReader {
  #bytes: Uint8Array = none

  get pendingBytes(): number {
    return this.#bytes.length
  }

  push(chunk: Uint8Array): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
  }

  /**
   * The next line without its newline; undefined: it is not there yet. What is left is copied then, since the chunk is the
   * caller's.
   *
   * @throws MultistreamError
   */
  next(): string | undefined {
    const bytes = this.#bytes
    const [first, second] = bytes
    if (first === undefined || (first >= 0x80 && second === undefined)) return this.#wait()
    const prefix = first < 0x80 ? 1 : 2
    const length = first < 0x80 ? first : (first & 0x7f) | ((second ?? 0) << 7)
    if (length > maxLineBytes) throw new MultistreamError('line-too-long')
    if (bytes.length < prefix + length) return this.#wait()
    if (length === 0 || bytes[prefix + length - 1] !== newline) throw new MultistreamError('not-a-line')
    this.#bytes = bytes.subarray(prefix + length)
    return Buffer.from(bytes.buffer, bytes.byteOffset + prefix, length - 1).toString('latin1')
  }

  /** What came behind the last line: a view of the last chunk. */
  rest(): Uint8Array {
    const rest = this.#bytes
    this.#bytes = none
    return rest
  }

  #wait(): undefined {
    if (this.#bytes.length > 0) this.#bytes = new Uint8Array(this.#bytes)
  }
}
