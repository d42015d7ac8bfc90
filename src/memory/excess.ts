/** What is looked at every {@link lookEveryMs}. */
export interface MemoryReading {
  /** RSS. */
  readonly residentBytes: number
  readonly heapUsedBytes: number
  readonly connections: number
  /** Share of the time since the last reading in which the event loop did something, 0 to 1. */
  readonly busyShare: number
}

export const lookEveryMs = 5_000
/** A busy node needs what it has, and has no time. */
export const calmShare = 0.25
/** So many looks in a row: V8 has collected what it collects by itself then, and a flood may only have paused. */
export const calmLooks = 3
/** Above what is expected; less is not worth a pause. */
export const worthShare = 0.1
export const worthBytes = 12 * 1024 * 1024
/** What one more connection may take: one over TLS, with what is known of its peer. */
export const mostConnectionBytes = 64 * 1024
/** What one fewer gives back at least: one over Noise. */
export const leastConnectionBytes = 8 * 1024
/** What has stood for so long is what the process needs. */
export const settledAfterMs = 600_000
/** How long collecting everything takes, measured. */
const pauseMsPerByte = 5 / (1024 * 1024)
/** Of all time, at most so much is spent on it. */
export const pauseShare = 0.001

interface Measure extends Pick<MemoryReading, 'residentBytes' | 'connections'> {
  readonly atMs: number
}

/**
 * Whether there is memory that this process holds and does not need. V8 keeps the pages that a flood of connections has filled, and
 * begins to give them back by itself only when nearly nothing is allocated any more: with a hundred clients that look each other
 * up, never (Node 24.22, MemoryReducer: "high alloc"; 80 MB of 200).
 *
 * What is resident is compared with what it was when it was small, or has settled at, with what has connected and left since.
 * Growth that collecting does not take back is needed: the reading after it is the new measure.
 */
export class Excess {
  #measure: Measure | undefined
  #calmLooks = 0
  #notBeforeMs = 0

  /** @returns true: everything is to be collected now */
  look(reading: MemoryReading, nowMs: number): boolean {
    this.#calmLooks = reading.busyShare > calmShare ? 0 : this.#calmLooks + 1
    const expectedBytes = this.#expectedFor(reading.connections)
    const excessBytes = reading.residentBytes - expectedBytes
    const isWorthIt = excessBytes >= Math.max(worthBytes, expectedBytes * worthShare)
    if (!isWorthIt) {
      this.#learn(reading, nowMs)
      return false
    }
    if (this.#calmLooks < calmLooks || nowMs < this.#notBeforeMs) return false
    this.#measure = undefined
    this.#notBeforeMs = nowMs + (reading.heapUsedBytes * pauseMsPerByte) / pauseShare
    return true
  }

  #learn({ residentBytes, connections }: MemoryReading, nowMs: number): void {
    const now = { residentBytes, connections, atMs: nowMs }
    const measure = this.#measure ?? now
    const isOld = nowMs - measure.atMs >= settledAfterMs
    if (isOld || idleBytes(now) <= idleBytes(measure)) this.#measure = now
  }

  /** Any number, when there is no measure. */
  #expectedFor(connections: number): number {
    if (this.#measure === undefined) return Number.POSITIVE_INFINITY
    const more = connections - this.#measure.connections
    return this.#measure.residentBytes + more * (more > 0 ? mostConnectionBytes : leastConnectionBytes)
  }
}

function idleBytes({ residentBytes, connections }: Measure): number {
  return residentBytes - connections * leastConnectionBytes
}
