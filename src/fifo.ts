/** Below it moving what is left costs more than the places it frees. */
const leastFreed = 64

/** A queue: first in, first out; the last can be taken, too. Every operation is O(1) on average, unlike `shift` of an array. */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  /** The one that came first. */
  get first(): T | undefined {
    return this.#items[this.#head]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    const item = this.first
    if (this.length === 0) return undefined
    this.#items[this.#head++] = undefined
    if (this.#head >= leastFreed && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** The one that came last. */
  pop(): T | undefined {
    return this.length === 0 ? undefined : this.#items.pop()
  }
}
