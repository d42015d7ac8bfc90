/** A set in order of use: the first has not been used for longest. Every operation is O(1). */
export class RecencySet<T> {
  readonly #items = new Set<T>()

  get size(): number {
    return this.#items.size
  }

  /** Adds an item, or makes it the most recent. */
  use(item: T): void {
    this.#items.delete(item)
    this.#items.add(item)
  }

  delete(item: T): void {
    this.#items.delete(item)
  }

  /** Longest unused first. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#items.values()
  }
}
