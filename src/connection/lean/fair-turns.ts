import type { Clock } from '../../clock.ts'
import type { Origin } from '../../peers/address-prefix.ts'
import type { Defer } from '../../turns.ts'
import { FairLine, type FairLineOptions } from './fair-line.ts'

/** How long those are passed over who may not go yet; all of them, when nobody may. */
export const asideMs = 50

export interface FairTurnsOptions<T> extends FairLineOptions<T> {
  readonly clock: Clock
  /** How many go on in a turn of the event loop, asked each time. */
  readonly perTurn: () => number
  /** Default: setImmediate. */
  readonly defer?: Defer
}

/** Lets those go on who wait in a {@link FairLine}, a few in each turn of the event loop. */
export class FairTurns<T> {
  readonly #line: FairLine<T>
  readonly #options: FairTurnsOptions<T>
  readonly #onTurn: (item: T) => void
  readonly #defer: Defer
  #deferred = false
  #cancelAskAgain: (() => void) | undefined

  constructor(onTurn: (item: T) => void, options: FairTurnsOptions<T>) {
    this.#onTurn = onTurn
    this.#options = options
    this.#defer = options.defer ?? setImmediate
    this.#line = new FairLine(options)
  }

  get waiting(): number {
    return this.#line.size
  }

  /** Those of a network. */
  waitingOf(from: Origin): number {
    return this.#line.sizeOf(from)
  }

  /**
   * To be called once before `onTurn`.
   *
   * @returns false when too many wait from there, and this one does not
   */
  wait(item: T, from: Origin): boolean {
    const waits = this.#line.add(item, from, this.#options.clock.now())
    this.#awaitTurn()
    return waits
  }

  #awaitTurn(): void {
    if (this.#deferred || !this.#line.hasNext) return
    this.#deferred = true
    this.#defer(this.#next)
  }

  readonly #next = (): void => {
    this.#deferred = false
    const { clock, perTurn } = this.#options
    const nowMs = clock.now()
    for (let left = perTurn(); left > 0; left--) {
      const item = this.#line.take(nowMs)
      if (item === undefined) break
      this.#onTurn(item)
    }
    const isClosed = this.#line.hasNext && this.#line.isClosed
    if (!isClosed) this.#awaitTurn()
    if (isClosed || this.#line.hasAside) this.#cancelAskAgain ??= clock.after(asideMs, this.#askAgain)
  }

  readonly #askAgain = (): void => {
    this.#cancelAskAgain = undefined
    this.#line.askAgain()
    this.#awaitTurn()
  }
}
