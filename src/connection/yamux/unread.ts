import { INITIAL_WINDOW_BYTES } from './frame.ts'

const NOTHING = new Uint8Array(0)

/** What came while a stream was paused: one piece of memory, for frames of a byte must not cost an object each. */
export class Unread {
  #memory: Uint8Array = NOTHING
  #length = 0

  /** Bytes of memory held, which is up to twice what is in it. */
  get capacity(): number {
    return this.#memory.length
  }

  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.#length)
  }

  /** @returns bytes of memory that `length` more bytes would take on top; it doubles, so that copying stays cheap */
  growthFor(length: number): number {
    const needed = this.#length + length
    if (needed <= this.capacity) return 0
    return Math.max(needed, Math.min(2 * this.capacity, INITIAL_WINDOW_BYTES)) - this.capacity
  }

  append(bytes: Uint8Array): void {
    const growth = this.growthFor(bytes.length)
    if (growth > 0) {
      // slow: a slab of the pool would live as long as the smallest piece in it
      const grown = Buffer.allocUnsafeSlow(this.capacity + growth)
      grown.set(this.bytes)
      this.#memory = grown
    }
    this.#memory.set(bytes, this.#length)
    this.#length += bytes.length
  }
}
