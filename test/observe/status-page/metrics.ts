import type { MetricJson } from '../../../src/observe/status-page/reading.ts'

type Sample = MetricJson['values'][number]
type Labels = Readonly<Record<string, string | number>>

/** Metrics as prom-client gives them, as a test sets them. */
export class FakeMetrics {
  readonly #metrics = new Map<string, Map<string, Sample>>()
  reads = 0

  set(name: string, value: number, labels: Labels = {}): this {
    return this.#put(name, { value, labels })
  }

  /** A histogram of which only the counts by upper bound matter. */
  observe(name: string, bounds: Readonly<Record<string, number>>, labels: Labels = {}): this {
    let count = 0
    for (const [le, many] of Object.entries(bounds)) {
      count += many
      this.#put(name, { value: count, labels: { ...labels, le }, metricName: `${name}_bucket` })
    }
    this.#put(name, { value: count, labels: { ...labels, le: '+Inf' }, metricName: `${name}_bucket` })
    return this.#put(name, { value: count, labels, metricName: `${name}_count` })
  }

  json(): MetricJson[] {
    return [...this.#metrics].map(([name, values]) => ({ name, values: [...values.values()] }))
  }

  async getMetricsAsJSON(): Promise<object[]> {
    this.reads++
    return this.json()
  }

  /** In the same object, as prom-client does. */
  #put(name: string, sample: Sample): this {
    const samples = this.#metrics.get(name) ?? new Map<string, Sample>()
    const key = JSON.stringify([sample.metricName, sample.labels])
    samples.set(key, Object.assign(samples.get(key) ?? {}, sample))
    this.#metrics.set(name, samples)
    return this
  }
}

/** Of a node with 40 connections, nothing wrong. */
export function healthy(): FakeMetrics {
  return new FakeMetrics()
    .set('bootstrap_connections', 30, { direction: 'inbound', security: 'tls', muxer: 'yamux' })
    .set('bootstrap_connections', 9, { direction: 'inbound', security: 'noise', muxer: 'yamux' })
    .set('bootstrap_connections', 1, { direction: 'outbound', security: 'noise', muxer: 'yamux' })
    .set('bootstrap_connections_limit', 50, { mark: 'low_water' })
    .set('bootstrap_connections_limit', 100, { mark: 'high_water' })
    .set('bootstrap_connections_limit', 200, { mark: 'cap' })
    .set('bootstrap_connected_peers', 39)
    .set('bootstrap_connections_opened_total', 100, { direction: 'inbound' })
    .set('bootstrap_connections_closed_total', 60, { reason: 'ended' })
    .set('bootstrap_refusals_total', 0, { reason: 'nobody-to-close' })
    .set('bootstrap_evictions_total', 0, { reason: 'trim' })
    .set('bootstrap_provider_keys', 2)
    .set('bootstrap_provider_records', 60)
    .set('bootstrap_event_loop_delay_seconds', 0.002, { quantile: 0.99 })
    .set('bootstrap_event_loop_delay_seconds', 0.4, { quantile: 1 })
    .set('process_resident_memory_bytes', 100e6)
    .set('bootstrap_memory_limit_bytes', 1000e6)
    .set('nodejs_heap_size_used_bytes', 50e6)
    .set('bootstrap_heap_limit_bytes', 500e6)
    .set('process_open_fds', 70)
    .set('process_max_fds', 1024)
    .set('process_cpu_seconds_total', 5)
    .observe('bootstrap_rpc_seconds', { 0.001: 10 }, { type: 'FIND_NODE', result: 'ok' })
}
