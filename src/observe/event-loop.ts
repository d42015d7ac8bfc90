import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

/**
 * How often is looked; of shorter delays a part is seen. Each look wakes the process, which is 120 µs: every 20 ms they were two
 * thirds of an empty node's CPU.
 */
const resolutionMs = 200

export interface EventLoopDelay {
  readonly maxMs: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const nothing: EventLoopDelay = { maxMs: 0, p50Ms: 0, p99Ms: 0 }

/** How late the event loop has been since the last {@link reset}: what blocks it makes every peer wait. */
export class EventLoopMonitor {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: resolutionMs })

  start(): void {
    this.#histogram.enable()
  }

  stop(): void {
    this.#histogram.disable()
  }

  read(): EventLoopDelay {
    const { max, count } = this.#histogram
    if (count === 0) return nothing
    const percentile = (percent: number) => late(this.#histogram.percentile(percent))
    return { maxMs: late(max), p50Ms: percentile(50), p99Ms: percentile(99) }
  }

  reset(): void {
    this.#histogram.reset()
  }
}

/** The histogram has the time between two looks. */
function late(ns: number): number {
  return Math.max(0, ns / 1e6 - resolutionMs)
}
