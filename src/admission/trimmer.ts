import type { Clock } from '../clock.ts'
import type { ConnectionIndex } from './connection-index.ts'
import { type Marks, trimNow } from './policy.ts'

const tickMs = 1000
/** To close one costs 150 µs in all who hear of it, and up to 1 ms when its peer is told over loopback: so many are 16 ms. */
const trimAtOnce = 16
/** Between them; that makes 2,560 a second at most. */
const trimPauseMs = 6

export interface TrimmerParts {
  readonly clock: Clock
  readonly index: Pick<ConnectionIndex, 'connections' | 'mature'>
  readonly marks: Marks
  /** So many are kept while something is short. */
  readonly ceiling: () => number
  /** @returns false when nobody may be closed */
  readonly closeWorst: (reason: 'trim' | 'pressure') => boolean
}

/** Closes, second by second and a few at once, those above high water or above what the process can hold. */
export class Trimmer {
  readonly #parts: TrimmerParts
  #trimming = false
  #cancelTick = () => {}
  #cancelTrim = () => {}

  constructor(parts: TrimmerParts) {
    this.#parts = parts
  }

  start(): void {
    this.#tick()
  }

  stop(): void {
    this.#cancelTick()
    this.#cancelTrim()
  }

  readonly #tick = (): void => {
    const { clock, index, marks } = this.#parts
    // every second, though nobody may have to go for weeks: a crowd at one go would block, and forget who was active since
    index.mature(clock.now())
    this.#cancelTrim()
    const ceiling = this.#parts.ceiling()
    if (index.connections > ceiling) {
      const { close } = trimNow(index.connections, { lowWater: ceiling, highWater: ceiling }, true)
      this.#trim(close, ceiling, 'pressure')
    } else {
      const { close, trimming } = trimNow(index.connections, marks, this.#trimming)
      this.#trimming = trimming
      this.#trim(close, marks.lowWater, 'trim')
    }
    this.#cancelTick = clock.after(tickMs, this.#tick)
  }

  #trim(left: number, downTo: number, reason: 'trim' | 'pressure'): void {
    const { clock, index, closeWorst } = this.#parts
    for (let i = 0; i < Math.min(left, trimAtOnce); i++) {
      if (index.connections <= downTo || !closeWorst(reason)) return
    }
    const later = () => this.#trim(left - trimAtOnce, downTo, reason)
    if (left > trimAtOnce) this.#cancelTrim = clock.after(trimPauseMs, later)
  }
}
