import type { Clock } from '../../src/clock.ts'

interface Timer {
  readonly atMs: number
  readonly fn: () => void
}

/** A clock that a test moves. */
export class SimulatedClock implements Clock {
  #nowMs = 0
  readonly #timers = new Set<Timer>()

  get pending(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#nowMs
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, fn }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Timer by timer: one that re-arms itself fires each time it is due. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
      if (due === undefined) break
      this.#timers.delete(due)
      this.#nowMs = due.atMs
      due.fn()
    }
    this.#nowMs = endMs
  }
}
