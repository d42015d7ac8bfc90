/** What is weighed; `shelf` and `place` belong to the {@link Heaviest} that it is in. */
export interface Weighed {
  weight: number
  shelf: number
  place: number
}

/** Where the heaviest stand, so many are compared: enough to find one that has half of all the weight. */
const compared = 4

/**
 * Who weighs most, in O(1): things stand on a shelf for each power of two. Within a factor of two it does not matter who is
 * taken, unless one has half of the weight, who then has at most one beside it.
 */
export class Heaviest<T extends Weighed> {
  readonly #shelves: T[][] = []
  #totalWeight = 0

  get totalWeight(): number {
    return this.#totalWeight
  }

  /** Adds to the weight of `item`, which is in here as long as it weighs something. */
  change(item: T, difference: number): void {
    item.weight += difference
    this.#totalWeight += difference
    const shelf = item.weight === 0 ? -1 : Math.floor(Math.log2(item.weight))
    if (shelf === item.shelf) return
    this.#takeOut(item)
    if (shelf >= 0) this.#putOn(shelf, item)
  }

  top(): T | undefined {
    const shelf = this.#shelves.at(-1) ?? []
    let top = shelf.at(-1)
    for (const item of shelf.slice(0, compared)) if (top === undefined || item.weight > top.weight) top = item
    return top
  }

  #putOn(shelf: number, item: T): void {
    while (this.#shelves.length <= shelf) this.#shelves.push([])
    const items = this.#shelves[shelf] ?? []
    item.shelf = shelf
    item.place = items.length
    items.push(item)
  }

  #takeOut(item: T): void {
    const items = this.#shelves[item.shelf]
    if (items === undefined) return
    const last = items.pop()
    if (last !== undefined && last !== item) {
      items[item.place] = last
      last.place = item.place
    }
    item.shelf = -1
    while (this.#shelves.at(-1)?.length === 0) this.#shelves.pop()
  }
}
