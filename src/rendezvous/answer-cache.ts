import { Chain, type Ends } from './chain.ts'

/** Who carries a cached answer. */
export interface CacheHolder {
  cached: CachedAnswer | undefined
}

export class CachedAnswer {
  before: CachedAnswer | undefined = undefined
  after: CachedAnswer | undefined = undefined

  constructor(
    readonly holder: CacheHolder,
    readonly bytes: Uint8Array
  ) {}
}

/** 32 MiB: 200 keys with the longest lists that there are, or all keys of the network several times over. */
export const maxCachedBytes = 32 * 1024 * 1024
/** What the objects around an answer take. */
const overheadBytes = 300

const byUse = new Chain<CachedAnswer>('before', 'after')

/** Answers that were put together before, bounded in bytes: at the bound the longest unused go. */
export class AnswerCache {
  readonly #ends: Ends<CachedAnswer> = { first: undefined, last: undefined }
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes = maxCachedBytes) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get(holder: CacheHolder): Uint8Array | undefined {
    const { cached } = holder
    if (cached === undefined) return undefined
    byUse.moveFirst(this.#ends, cached)
    return cached.bytes
  }

  keep(holder: CacheHolder, bytes: Uint8Array): void {
    this.drop(holder)
    const cached = new CachedAnswer(holder, bytes)
    holder.cached = cached
    byUse.addFirst(this.#ends, cached)
    this.#bytes += bytes.length + overheadBytes
    while (this.#bytes > this.#maxBytes && this.#ends.last !== undefined) this.drop(this.#ends.last.holder)
  }

  drop(holder: CacheHolder): void {
    const { cached } = holder
    if (cached === undefined) return
    holder.cached = undefined
    byUse.remove(this.#ends, cached)
    this.#bytes -= cached.bytes.length + overheadBytes
  }
}
