/** Calls `fn` when what is ready now has been done; the default is setImmediate. */
export type Defer = (fn: () => void) => void

export interface TurnsOptions {
  readonly defer?: Defer | undefined
  /** How many go on in a turn, asked each time; the others wait for the next. Default: all. */
  readonly perTurn?: () => number
}

/** Those who have had enough of this turn of the event loop, in the order in which they go on. Holds each of them once. */
export class Turns<T> {
  readonly #defer: Defer
  readonly #perTurn: () => number
  readonly #onTurn: (item: T) => void
  #waiting: T[] = []
  #current = 1
  #began = 0
  /** How many went on in this turn. */
  #gone = 0
  #deferred = false

  constructor(
    onTurn: (item: T) => void,
    { defer = setImmediate, perTurn = () => Number.POSITIVE_INFINITY }: TurnsOptions = {}
  ) {
    this.#onTurn = onTurn
    this.#defer = defer
    this.#perTurn = perTurn
  }

  /** Counts the turns in which somebody waited. */
  get current(): number {
    return this.#current
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** How many the current turn began with, or wait for the next. */
  get crowd(): number {
    return Math.max(this.#began, this.#waiting.length)
  }

  /** To be called once before `onTurn`. */
  wait(item: T): void {
    this.#waiting.push(item)
    this.#awaitTurn()
  }

  /** Goes on at once while as many as go on in a turn have not; else waits. */
  goOrWait(item: T): void {
    if (this.#waiting.length > 0 || this.#gone >= this.#perTurn()) {
      this.wait(item)
      return
    }
    this.#gone++
    this.#awaitTurn()
    this.#onTurn(item)
  }

  #awaitTurn(): void {
    if (this.#deferred) return
    this.#deferred = true
    this.#defer(this.#next)
  }

  readonly #next = (): void => {
    this.#deferred = false
    this.#gone = 0
    this.#began = this.#waiting.length
    if (this.#began === 0) return
    this.#current++
    const items = this.#waiting
    this.#waiting = items.splice(this.#perTurn())
    this.#gone = items.length
    if (this.#waiting.length > 0) this.#awaitTurn()
    for (const item of items) this.#onTurn(item)
  }
}
