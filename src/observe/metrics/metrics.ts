import { Counter, Gauge, Registry, Summary } from 'prom-client'
import type { EventLoopDelay } from '../event-loop.ts'
import type { Route } from '../http/server.ts'
import type { LinesLeftOut } from '../logger.ts'
import type { Readings } from '../readings.ts'
import type { Timings } from '../timings.ts'
import { catalog, type Row } from './catalog.ts'
import { processMetricsInto } from './process.ts'
import { timingsInto } from './timings.ts'

export interface MetricsParts {
  readonly version: string
  /** Which code carries inbound connections. */
  readonly stack: string
  /** Lines of the log that were not written, so far. */
  readonly linesLeftOut: () => LinesLeftOut
  /** Requests to the kad server: numbers on the wire by the name of the type. */
  readonly rpcTypes: Readonly<Record<string, number>>
}

/** What a process shows in numbers: of itself from the beginning, of a node once there is one. */
export class Metrics {
  readonly registry = new Registry()
  /** To be told to the node. */
  readonly timings: Timings
  #node: Readings | undefined

  constructor({ version, stack, linesLeftOut, rpcTypes }: MetricsParts) {
    const registers = [this.registry]
    new Gauge({
      name: 'bootstrap_build_info',
      help: 'Always 1; the labels say what runs',
      labelNames: ['version', 'node', 'stack'],
      registers
    }).set({ version, node: process.version, stack }, 1)
    for (const row of catalog) this.#add(row)
    this.timings = timingsInto(this.registry, rpcTypes)
    new Counter({
      name: 'bootstrap_log_lines_left_out_total',
      help: 'Log lines that were not written: too many alike (flood), or standard output or LOG_FILE did not take them (stdout, file)',
      labelNames: ['reason'],
      registers,
      collect() {
        this.reset()
        for (const [reason, lines] of Object.entries(linesLeftOut())) this.inc({ reason }, lines)
      }
    })
    new DelaySummary(() => this.#node?.eventLoopDelay(), this.registry)
    processMetricsInto(this.registry)
  }

  /** From now on the metrics of a node have values. */
  watch(node: Readings): void {
    this.#node = node
  }

  stop(): void {
    this.registry.clear()
  }

  #add({ name, help, kind, labels, read }: Row): void {
    const samples = () => (this.#node === undefined ? [] : read(this.#node))
    const options = { name, help, labelNames: labels, registers: [this.registry] }
    if (kind === 'gauge') {
      new Gauge({
        ...options,
        collect() {
          this.reset()
          // one without labels is 0 after that
          if (labels.length === 0) this.remove()
          for (const sample of samples()) this.set(sample.labels, sample.value)
        }
      })
    } else {
      new Counter({
        ...options,
        collect() {
          this.reset()
          for (const sample of samples()) this.inc(sample.labels, sample.value)
        }
      })
    }
  }
}

/** How late the event loop was, as quantiles: the library's own summaries know only what they were told. */
class DelaySummary extends Summary<'quantile'> {
  readonly #read: () => EventLoopDelay | undefined

  constructor(read: () => EventLoopDelay | undefined, registry: Registry) {
    super({
      name: 'bootstrap_event_loop_delay_seconds',
      help: 'How late turns of the event loop were within the last 30 to 60 s',
      registers: [registry]
    })
    this.#read = read
  }

  override async get(): ReturnType<Summary<'quantile'>['get']> {
    const delay = this.#read()
    const quantiles =
      delay === undefined
        ? []
        : ([
            [0.5, delay.p50Ms],
            [0.99, delay.p99Ms],
            [1, delay.maxMs]
          ] as const)
    const values = quantiles.map(([quantile, ms]) => ({ labels: { quantile }, value: ms / 1_000 }))
    return { ...(await super.get()), values }
  }
}

/** `/metrics` in the text format of Prometheus. */
export function metricsRoute({ registry }: Metrics): [string, Route] {
  const reply = () => ({ headers: { 'content-type': registry.contentType }, body: () => registry.metrics() })
  return ['/metrics', { reply }]
}
