import type { Clock } from '../clock.ts'
import type { Logger } from '../observe/logger.ts'
import { reasonOf } from './level.ts'
import type { Changes, StateStore } from './store.ts'

export interface WriteProblem {
  readonly reason: string
  /** For how long nothing could be written. */
  readonly forMs: number
}

export interface WriteBehindParts {
  readonly store: Pick<StateStore, 'write'>
  readonly clock: Clock
  readonly logger: Logger
  /** Keys with a change that is not written. Default: 500,000. */
  readonly maxPending?: number
}

type Encode = () => Uint8Array | undefined
type Change = readonly [key: string, encode: Encode]

const everyMs = 1_000
const maxBackoffMs = 60_000

/** More than the records and peers of the largest node; some 150 MB when no write has succeeded for long. */
const defaultMaxPending = 500_000

/** So many are encoded in one go: 3 ms on Node 20. */
const changesPerWrite = 500

/**
 * Changes, collected by key and written once a second at most, never two writes at once. A write that fails keeps its
 * changes, of which newer ones win, and is tried again after 1 s, 2 s, 4 s up to a minute.
 *
 * What a `kill -9` or a power failure can lose is what was changed less than a second before, or since writes fail.
 */
export class WriteBehind implements Changes {
  readonly #store: Pick<StateStore, 'write'>
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #maxPending: number
  readonly #pending = new Map<string, Encode>()
  #cancel: (() => void) | undefined
  #writing: Promise<void> | undefined
  #closed = false
  #problem: { readonly reason: string; readonly sinceMs: number } | undefined
  #failures = 0
  #lost = 0

  constructor({ store, clock, logger, maxPending = defaultMaxPending }: WriteBehindParts) {
    this.#store = store
    this.#clock = clock
    this.#logger = logger
    this.#maxPending = maxPending
  }

  /** Keys with a change that is not written. */
  get pending(): number {
    return this.#pending.size
  }

  get problem(): WriteProblem | undefined {
    if (this.#problem === undefined) return undefined
    const { reason, sinceMs } = this.#problem
    return { reason, forMs: this.#clock.now() - sinceMs }
  }

  /** At the bound a change that waits makes room, the longest waiting as a rule, and is lost. */
  changed(key: string, encode: Encode): void {
    if (this.#closed) return
    if (this.#pending.size >= this.#maxPending && !this.#pending.has(key)) this.#lose()
    this.#pending.set(key, encode)
    this.#schedule()
  }

  /** The store has failed, at whatever: nothing is written until it works again. */
  failed(error: unknown): void {
    this.#failures++
    if (this.#problem === undefined) {
      this.#problem = { reason: reasonOf(error), sinceMs: this.#clock.now() }
      this.#logger.error(
        `the state cannot be saved: ${this.#problem.reason}. The node goes on serving, and forgets what is new when it ends`
      )
    }
    this.#schedule()
  }

  async flush(): Promise<void> {
    await this.#writing
    if (this.#closed || this.#pending.size === 0) return
    this.#cancel?.()
    this.#cancel = undefined
    this.#begin()
    await this.#writing
  }

  /**
   * Writes what is left, and takes no more.
   *
   * @throws the error of the store, when something could not be written
   */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancel?.()
    await this.#writing
    if (this.#pending.size > 0) await this.#writeAll()
    if (this.#pending.size > 0) throw new Error(`${this.#pending.size} changes of the state were not saved`)
  }

  #schedule(): void {
    if (this.#closed || this.#cancel !== undefined || this.#writing !== undefined) return
    const waitMs = Math.min(everyMs * 2 ** Math.max(0, this.#failures - 1), maxBackoffMs)
    this.#cancel = this.#clock.after(waitMs, () => {
      this.#cancel = undefined
      this.#begin()
    })
  }

  #begin(): void {
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined
      if (this.#pending.size > 0 || this.#problem !== undefined) this.#schedule()
    })
  }

  async #writeAll(): Promise<void> {
    // what changes meanwhile waits for its own second
    let left = this.#pending.size
    do {
      const taken = this.#take(Math.min(left, changesPerWrite))
      left -= taken.length
      if (!(await this.#write(taken))) return
    } while (left > 0)
  }

  #take(count: number): Change[] {
    const taken: Change[] = []
    for (const change of this.#pending) {
      if (taken.length === count) break
      this.#pending.delete(change[0])
      taken.push(change)
    }
    return taken
  }

  /** An empty write shows whether the store works again. */
  async #write(taken: readonly Change[]): Promise<boolean> {
    try {
      await this.#store.write(new Map(taken.map(([key, encode]) => [key, encode()])))
    } catch (error) {
      this.#putBack(taken)
      this.failed(error)
      return false
    }
    this.#works()
    return true
  }

  #putBack(taken: readonly Change[]): void {
    for (const [key, encode] of taken) {
      if (this.#pending.has(key)) continue
      if (this.#pending.size >= this.#maxPending) this.#lose()
      this.#pending.set(key, encode)
    }
  }

  #lose(): void {
    const [oldest] = this.#pending.keys()
    if (oldest === undefined) return
    this.#pending.delete(oldest)
    this.#lost++
  }

  #works(): void {
    this.#failures = 0
    if (this.#problem === undefined) return
    const seconds = Math.round((this.#clock.now() - this.#problem.sinceMs) / 1000)
    this.#problem = undefined
    const lost = this.#lost === 0 ? '' : `; ${this.#lost} changes were too many to wait and are lost`
    this.#lost = 0
    this.#logger.warn(`the state is saved again, after ${seconds} s${lost}`)
  }
}
