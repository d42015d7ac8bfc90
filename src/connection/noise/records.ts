import { type CipherState, tagBytes } from './cipher-state.ts'
import { NoiseError } from './error.ts'
import { memory } from './primitives.ts'
import { maxMessageBytes } from './symmetric-state.ts'
import { type CipherPair, lengthBytes } from './xx-responder.ts'

/** Bytes of plaintext in one record. */
export const maxPlaintextBytes = maxMessageBytes - tagBytes

const nothing = Buffer.alloc(0)

/** Part of a record: what has come of it, in memory of its own. */
interface Partial {
  /** Not longer than the record, nor than twice what has come. */
  bytes: Uint8Array
  filled: number
}

/**
 * What follows the handshake: records of two bytes of length, big-endian, and sealed bytes (libp2p specification
 * noise/README.md, "Wire format"). Keeps at most one partial record.
 */
export class NoiseRecords {
  readonly #send: CipherState
  readonly #receive: CipherState
  #partial: Partial | undefined
  /** Records. */
  #opened = 0
  #closed = false

  constructor({ send, receive }: CipherPair) {
    this.#send = send
    this.#receive = receive
  }

  /** Bytes of memory that the partial record takes. */
  get pendingBytes(): number {
    return this.#partial?.bytes.length ?? 0
  }

  /**
   * Takes bytes as they came from the peer, cut anywhere.
   *
   * @param chunk is decrypted in place: its content is spent, but for the rest that is given back
   * @param onPlaintext the content of one record, never empty; valid during the call alone: copy what is kept. May call
   *   {@link seal} and {@link close}, not `push`
   * @param most records to open; the rest of the chunk, empty as a rule, is to be pushed before any other. At least 1
   * @throws NoiseError bad-record, and then it is closed; nonce-exhausted
   */
  push(
    chunk: Uint8Array,
    onPlaintext: (plaintext: Uint8Array) => void,
    most = Number.POSITIVE_INFINITY
  ): { readonly records: number; readonly rest: Uint8Array } {
    const before = this.#opened
    let at = this.#partial === undefined ? 0 : this.#collect(chunk, onPlaintext)
    while (chunk.length - at >= lengthBytes && !this.#closed) {
      if (this.#opened - before >= most) return { records: most, rest: chunk.subarray(at) }
      const recordBytes = this.#recordBytes(chunk[at], chunk[at + 1])
      if (chunk.length - at < recordBytes) break
      this.#open(chunk.subarray(at, at + recordBytes), onPlaintext)
      at += recordBytes
    }
    if (at < chunk.length && !this.#closed) this.#collect(chunk.subarray(at), onPlaintext)
    return { records: this.#opened - before, rest: nothing }
  }

  /**
   * Seals bytes for one write: small parts share records, so that each record but the last is full.
   *
   * @throws NoiseError nonce-exhausted
   */
  seal(parts: readonly Uint8Array[]): Buffer {
    let total = 0
    for (const part of parts) total += part.length
    if (total === 0 || this.#closed) return nothing

    const records = Math.ceil(total / maxPlaintextBytes)
    const out = Buffer.allocUnsafe(total + records * (lengthBytes + tagBytes)) // short-lived, so the pool may serve it
    let left = total
    let at = 0
    let start = 0 // of the record's plaintext
    let room = 0 // left in the record
    for (const part of parts) {
      for (let taken = 0; taken < part.length; ) {
        if (room === 0) {
          room = Math.min(left, maxPlaintextBytes)
          at = out.writeUInt16BE(room + tagBytes, at)
          start = at
        }
        const piece = Math.min(room, part.length - taken)
        out.set(piece === part.length ? part : part.subarray(taken, taken + piece), at)
        at += piece
        taken += piece
        left -= piece
        room -= piece
        if (room === 0) {
          this.#send.encrypt(out.subarray(start, at + tagBytes), out.subarray(start, at), null)
          at += tagBytes
        }
      }
    }
    return out
  }

  /** Forgets the partial record. Nothing is opened or sealed from now on, not even the rest of a chunk being pushed. */
  close(): void {
    this.#closed = true
    this.#partial = undefined
  }

  /** @param record with its length */
  #open(record: Uint8Array, onPlaintext: (plaintext: Uint8Array) => void): void {
    const plaintext = record.subarray(lengthBytes, record.length - tagBytes)
    if (!this.#receive.decrypt(plaintext, record.subarray(lengthBytes), null)) this.#fail()
    this.#opened++
    if (plaintext.length > 0) onPlaintext(plaintext)
  }

  /**
   * Adds to the partial record, and opens it when it is whole.
   *
   * @returns bytes taken: all there are, or as many as the record lacks
   */
  #collect(rest: Uint8Array, onPlaintext: (plaintext: Uint8Array) => void): number {
    this.#partial ??= { bytes: nothing, filled: 0 }
    const partial = this.#partial
    const first = partial.filled > 0 ? partial.bytes[0] : rest[0]
    const second = partial.filled > 1 ? partial.bytes[1] : rest[1 - partial.filled]
    const recordBytes = second === undefined ? lengthBytes : this.#recordBytes(first, second)
    const taken = Math.min(recordBytes - partial.filled, rest.length)
    const filled = partial.filled + taken

    if (partial.bytes.length < filled) {
      // room for what the peer sends, not for what it announces: two bytes must not cost 64 KiB
      const grown = memory(Math.min(recordBytes, Math.max(filled, 2 * partial.bytes.length)))
      grown.set(partial.bytes.subarray(0, partial.filled))
      partial.bytes = grown
    }
    partial.bytes.set(taken === rest.length ? rest : rest.subarray(0, taken), partial.filled)
    partial.filled = filled
    if (second !== undefined && filled === recordBytes) {
      this.#partial = undefined
      this.#open(partial.bytes, onPlaintext)
    }
    return taken
  }

  /** Bytes of a record and its length, by the two bytes of its length. */
  #recordBytes(high = 0, low = 0): number {
    const sealedBytes = high * 256 + low
    if (sealedBytes < tagBytes) this.#fail()
    return lengthBytes + sealedBytes
  }

  #fail(): never {
    this.close()
    throw new NoiseError('bad-record')
  }
}
