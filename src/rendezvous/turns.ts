/** Calls `fn` when what is ready now has been done; the default is setImmediate. */
export type Defer = (fn: () => void) => void

/** Those who have had enough of this turn of the event loop and go on in the next. Holds each of them once. */
export class Turns<T> {
  readonly #defer: Defer
  readonly #onTurn: (item: T) => void
  #waiting: T[] = []
  #current = 1

  constructor(onTurn: (item: T) => void, defer: Defer = setImmediate) {
    this.#onTurn = onTurn
    this.#defer = defer
  }

  /** Counts the turns in which somebody waited. */
  get current(): number {
    return this.#current
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** To be called once before `onTurn`. */
  wait(item: T): void {
    this.#waiting.push(item)
    if (this.#waiting.length === 1) this.#defer(this.#next)
  }

  readonly #next = (): void => {
    this.#current++
    const items = this.#waiting
    this.#waiting = []
    for (const item of items) this.#onTurn(item)
  }
}
