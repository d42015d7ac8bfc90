import type { Clock } from './clock.ts'

const defaultTickMs = 1_000

/**
 * Deadlines that are all equally far away, so that they are due in the order in which they were set: one timer serves tens of
 * thousands, and setting, moving and dropping one costs O(1). Holds one entry for each item until it is due or dropped.
 */
export class Deadlines<T> {
  /** Item → when it is due; the soonest first. */
  readonly #due = new Map<T, number>()
  readonly #clock: Clock
  readonly #waitMs: number
  readonly #onDue: (item: T) => void
  readonly #tickMs: number
  #cancel: (() => void) | undefined
  #tickDueMs = 0
  #isLate = false

  /**
   * @param onDue called once an item's wait is over, up to one tick late; the item has been dropped by then. When this process
   *   itself stood still (SIGSTOP, a paused machine), one tick later: what peers sent meanwhile lies unread, and is read first
   * @param tickMs how often is looked, as long as there is something to wait for
   */
  constructor(clock: Clock, waitMs: number, onDue: (item: T) => void, tickMs = Math.min(defaultTickMs, waitMs)) {
    this.#clock = clock
    this.#waitMs = waitMs
    this.#onDue = onDue
    this.#tickMs = tickMs
  }

  get size(): number {
    return this.#due.size
  }

  has(item: T): boolean {
    return this.#due.has(item)
  }

  /** Sets the deadline of `item`, or moves it: it is due when the wait is over, counted from now. */
  set(item: T): void {
    this.#due.delete(item)
    this.#due.set(item, this.#clock.now() + this.#waitMs)
    this.#tickLater()
  }

  /**
   * {@link set} for what may happen a thousand times a second: a deadline that was moved within the last quarter of a tick stays
   * where it is, and is due that much sooner.
   */
  touch(item: T): void {
    const dueMs = this.#due.get(item)
    if (dueMs === undefined || this.#clock.now() + this.#waitMs - dueMs >= this.#tickMs / 4) this.set(item)
  }

  drop(item: T): void {
    if (this.#due.delete(item) && this.#due.size === 0) this.#rest()
  }

  clear(): void {
    this.#due.clear()
    this.#rest()
  }

  readonly #tick = (): void => {
    this.#cancel = undefined
    const nowMs = this.#clock.now()
    // once only: on a machine that is always late, deadlines are kept too
    this.#isLate = !this.#isLate && nowMs - this.#tickDueMs > this.#tickMs
    if (this.#isLate) {
      this.#tickLater()
      return
    }
    for (const [item, dueMs] of this.#due) {
      if (dueMs > nowMs) break
      this.#due.delete(item)
      this.#onDue(item)
    }
    if (this.#due.size > 0) this.#tickLater()
  }

  #tickLater(): void {
    if (this.#cancel !== undefined) return
    this.#tickDueMs = this.#clock.now() + this.#tickMs
    this.#cancel = this.#clock.after(this.#tickMs, this.#tick)
  }

  #rest(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }
}
