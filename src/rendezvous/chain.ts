/** The two ends of a chain. */
export interface Ends<T> {
  first: T | undefined
  last: T | undefined
}

/** The fields of `T` that hold a neighbour or nothing. */
type LinkOf<T> = { [K in keyof T]-?: undefined extends T[K] ? (T extends T[K] ? K : never) : never }[keyof T]

/**
 * Doubly linked chains through two fields of their items, so that an item can be in several chains at no more memory than
 * the fields. Every operation is O(1). That of a Map or Set is not: V8 walks over all that was deleted in front of the first
 * entry, which makes a queue of 200,000 cost some 0.1 ms a step.
 */
export class Chain<T extends object> {
  readonly #before: LinkOf<T>
  readonly #after: LinkOf<T>

  /**
   * @param before the field with the neighbour towards the first
   * @param after the field with the neighbour towards the last
   */
  constructor(before: LinkOf<T>, after: LinkOf<T>) {
    this.#before = before
    this.#after = after
  }

  /** Puts an item that is in no chain at the front. */
  addFirst(ends: Ends<T>, item: T): void {
    const after = ends.first
    this.#links(item)[this.#after] = after
    if (after === undefined) ends.last = item
    else this.#links(after)[this.#before] = item
    ends.first = item
  }

  /** Takes `item` out of the chain that it is in. */
  remove(ends: Ends<T>, item: T): void {
    const links = this.#links(item)
    const before = links[this.#before]
    const after = links[this.#after]
    if (before === undefined) ends.first = after
    else this.#links(before)[this.#after] = after
    if (after === undefined) ends.last = before
    else this.#links(after)[this.#before] = before
    links[this.#before] = undefined
    links[this.#after] = undefined
  }

  moveFirst(ends: Ends<T>, item: T): void {
    if (ends.first === item) return
    this.remove(ends, item)
    this.addFirst(ends, item)
  }

  next(item: T): T | undefined {
    return this.#links(item)[this.#after]
  }

  #links(item: T): Record<LinkOf<T>, T | undefined> {
    return item as Record<LinkOf<T>, T | undefined>
  }
}
