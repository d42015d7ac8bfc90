/** A metric as prom-client's `getMetricsAsJSON()` gives it. */
export interface MetricJson {
  readonly name: string
  readonly values: ReadonlyArray<{
    readonly value: number
    readonly labels: Readonly<Partial<Record<string, string | number>>>
    /** Of a histogram: its name with `_bucket`, `_sum` or `_count`. */
    readonly metricName?: string
  }>
}

/** Where the metrics come from; the part of prom-client's Registry that is needed. */
export interface MetricsSource {
  getMetricsAsJSON(): Promise<readonly object[]>
}

/** Observations by upper bound, not cumulated; the last bound is infinite. */
export type Buckets = ReadonlyMap<number, number>

/** All metrics at one moment. */
export class Reading {
  readonly atMs: number
  readonly #byName: ReadonlyMap<string, MetricJson['values']>

  /** @param atMs monotonic */
  constructor(atMs: number, metrics: readonly MetricJson[]) {
    this.atMs = atMs
    // prom-client 15 gives out the objects that it goes on counting in
    const copied = metrics
      .filter(({ name }) => isUsed(name))
      .map(({ name, values }) => [name, values.map(copyOf)] as const)
    this.#byName = new Map(copied)
  }

  /** The sum of all samples whose labels are these; 0 when there is none. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    let sum = 0
    for (const sample of this.#byName.get(name) ?? []) if (hasAll(sample.labels, labels)) sum += sample.value
    return sum
  }

  /** As {@link sum}, but undefined when there is no sample. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    return this.#byName.get(name)?.some((sample) => hasAll(sample.labels, labels)) ? this.sum(name, labels) : undefined
  }

  /** The sums by the value of one label. */
  by(name: string, label: string): Map<string, number> {
    const sums = new Map<string, number>()
    for (const { labels, value } of this.#byName.get(name) ?? []) {
      const key = String(labels[label] ?? '')
      sums.set(key, (sums.get(key) ?? 0) + value)
    }
    return sums
  }

  /** A histogram, summed over all labels but these. */
  buckets(name: string, labels: Readonly<Record<string, string>> = {}): Buckets {
    const cumulated = new Map<number, number>()
    for (const sample of this.#byName.get(name) ?? []) {
      if (sample.metricName !== `${name}_bucket` || !hasAll(sample.labels, labels)) continue
      const bound = Number(String(sample.labels.le).replace('+Inf', 'Infinity'))
      cumulated.set(bound, (cumulated.get(bound) ?? 0) + sample.value)
    }
    let below = 0
    const buckets = new Map<number, number>()
    for (const [bound, count] of [...cumulated].sort(([a], [b]) => a - b)) {
      buckets.set(bound, count - below)
      below = count
    }
    return buckets
  }

  /** How many observations a histogram has. */
  count(name: string, labels: Readonly<Record<string, string>> = {}): number {
    let count = 0
    for (const sample of this.#byName.get(name) ?? []) {
      if (sample.metricName === `${name}_count` && hasAll(sample.labels, labels)) count += sample.value
    }
    return count
  }

  /** The values that a label of a histogram has. */
  labelsOf(name: string, label: string): string[] {
    const found = new Set<string>()
    for (const { labels } of this.#byName.get(name) ?? [])
      if (labels[label] !== undefined) found.add(String(labels[label]))
    return [...found]
  }
}

function hasAll(labels: MetricJson['values'][number]['labels'], wanted: Readonly<Record<string, string>>): boolean {
  for (const name in wanted) if (String(labels[name]) !== wanted[name]) return false
  return true
}

/** Of the process's own metrics, some hundred are of no use here. */
const usedOfProcess = new Set([
  'process_cpu_seconds_total',
  'process_resident_memory_bytes',
  'process_open_fds',
  'process_max_fds',
  'nodejs_heap_size_used_bytes'
])

function isUsed(name: string): boolean {
  return name.startsWith('bootstrap_') || usedOfProcess.has(name)
}

function copyOf(sample: MetricJson['values'][number]): MetricJson['values'][number] {
  return { ...sample }
}
