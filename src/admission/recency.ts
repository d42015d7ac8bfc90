interface Link<T> {
  readonly item: T
  before: Link<T> | undefined
  after: Link<T> | undefined
}

/**
 * A set in order of use: the first has not been used for longest. Every operation is O(1), which a `Set` does not give: V8's
 * keeps the places of what was deleted until it grows, and whoever asks for the first item walks over them, 41 µs on average at
 * 50,000 items and half a millisecond at worst (Node 20).
 */
export class RecencySet<T> {
  readonly #links = new Map<T, Link<T>>()
  #first: Link<T> | undefined
  #last: Link<T> | undefined

  get size(): number {
    return this.#links.size
  }

  /** The one that has not been used for longest. */
  get first(): T | undefined {
    return this.#first?.item
  }

  /** Adds an item, or makes it the most recent. */
  use(item: T): void {
    this.delete(item)
    const link: Link<T> = { item, before: this.#last, after: undefined }
    if (this.#last === undefined) this.#first = link
    else this.#last.after = link
    this.#last = link
    this.#links.set(item, link)
  }

  /** @returns whether it was there */
  delete(item: T): boolean {
    const link = this.#links.get(item)
    if (link === undefined) return false
    this.#links.delete(item)
    if (link.before === undefined) this.#first = link.after
    else link.before.after = link.after
    if (link.after === undefined) this.#last = link.before
    else link.after.before = link.before
    // an old link that is garbage would keep the next alive, young as it may be, and its item, and so on: V8's collection of the
    // young takes all that is old for alive
    link.before = undefined
    link.after = undefined
    return true
  }

  /** Longest unused first; ends where the item that it gave last is deleted. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let link = this.#first; link !== undefined; link = link.after) yield link.item
  }
}
