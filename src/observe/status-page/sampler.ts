import { type Clock, wallMs } from '../../clock.ts'
import type { Logger } from '../logger.ts'
import { figuresBetween } from './figures.ts'
import { History, type Point } from './history.ts'
import { type MetricJson, type MetricsSource, Reading } from './reading.ts'
import type { Figures, HistoryReport } from './report.ts'

/** Between two points of the plots. */
export const stepMs = 10_000
/** What rates are of: long enough to be steady, short enough to see what just happened. */
export const windowMs = 60_000
/** Whoever asks within this time gets what was read last. */
const readingValidMs = 2_000

/** Reads the metrics every {@link stepMs}, so that a page which is opened later has something to plot. */
export class Sampler {
  readonly #source: MetricsSource
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #history = new History(stepMs / 1_000)
  /** Those of the last {@link windowMs}, the oldest first. */
  #window: Reading[] = []
  #latest: { readonly atMs: number; readonly reading: Promise<Reading> } | undefined
  #cancel = () => {}
  #stopped = false

  constructor(source: MetricsSource, clock: Clock, logger: Logger) {
    this.#source = source
    this.#clock = clock
    this.#logger = logger
  }

  /** Memory of the points. */
  get historyBytes(): number {
    return this.#history.bytes
  }

  start(): void {
    void this.#step()
  }

  stop(): void {
    this.#stopped = true
    this.#cancel()
  }

  /** The state now, and the rates of the last {@link windowMs}. */
  async figures(): Promise<Figures> {
    const now = await this.#fresh()
    return figuresBetween(this.#window[0] ?? now, now)
  }

  history(hours: number): HistoryReport {
    return this.#history.last(hours, wallMs(this.#clock) / 1_000)
  }

  async #step(): Promise<void> {
    try {
      const now = await this.#read()
      const before = this.#window.at(-1)
      // one reading has no rates
      if (before !== undefined) this.#history.push(wallMs(this.#clock) / 1_000, pointOf(figuresBetween(before, now)))
      this.#window = [...this.#window.filter(({ atMs }) => now.atMs - atMs < windowMs + stepMs / 2), now]
    } catch (error) {
      this.#logger.warn({ err: error }, 'the metrics could not be read for the status page')
    }
    if (!this.#stopped) this.#cancel = this.#clock.after(stepMs, () => void this.#step())
  }

  #fresh(): Promise<Reading> {
    const nowMs = this.#clock.now()
    if (this.#latest === undefined || nowMs - this.#latest.atMs >= readingValidMs) {
      this.#latest = { atMs: nowMs, reading: this.#read() }
    }
    return this.#latest.reading
  }

  async #read(): Promise<Reading> {
    const atMs = this.#clock.now()
    return new Reading(atMs, (await this.#source.getMetricsAsJSON()) as readonly MetricJson[])
  }
}

function pointOf(figures: Figures): Point {
  return {
    connections: figures.connections,
    joins: figures.joinsPerSecond,
    leaves: figures.leavesPerSecond,
    refusals: figures.refusalsPerSecond,
    evictions: figures.evictionsPerSecond,
    handshakeP99: figures.handshakeP99Seconds,
    rpcs: figures.rpcPerSecond,
    rpcP50: figures.rpcP50Seconds,
    rpcP99: figures.rpcP99Seconds,
    records: figures.providerRecords,
    heap: figures.heapBytes,
    resident: figures.residentBytes,
    eventLoop: figures.eventLoopDelaySeconds,
    cpu: figures.cpuShare
  }
}
