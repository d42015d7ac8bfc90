import { crc32 } from 'node:zlib'

/** Numbers that a seed determines (xorshift32): a run can be repeated, and an input decides how it is cut. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1
  }

  /** The same for the same bytes. */
  static of(bytes: Uint8Array): Random {
    return new Random(crc32(bytes))
  }

  /** 0 to `limit` - 1; 0 when `limit` is 0. */
  below(limit: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return limit === 0 ? 0 : (this.#state >>> 0) % limit
  }

  /** One in `n`. */
  oneIn(n: number): boolean {
    return this.below(n) === 0
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256))
  }
}
