import { opendir, stat } from 'node:fs/promises'
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client'
import { heapLimitBytes } from '../heap-limit.ts'
import { memoryLimit } from '../memory-limit.ts'

/**
 * The library (prom-client 15.1, lib/metrics/eventLoopLag.js) watches the event loop too, every 10 ms, and shows the time between
 * two looks as the delay. What it watches is removed, and it looks as rarely as can be: each look is 120 µs.
 */
const eventLoopResolutionMs = 3_600_000
const watching = ['', '_min', '_max', '_mean', '_stddev', '_p50', '_p90', '_p99'].map(
  (what) => `nodejs_eventloop_lag${what}_seconds`
)

/** These list every socket of the process at each scrape. */
const listing = ['nodejs_active_handles', 'nodejs_active_resources', 'nodejs_active_requests', 'process_open_fds']
const totals = ['nodejs_active_handles_total', 'nodejs_active_resources_total', 'nodejs_active_requests_total']

/** The process's own metrics, under the names that Prometheus and Node's dashboards know. */
export function processMetricsInto(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: eventLoopResolutionMs })
  for (const name of [...listing, ...totals, ...watching]) registry.removeSingleMetric(name)
  new Gauge({
    name: 'process_open_fds',
    help: 'Number of open file descriptors.',
    registers: [registry],
    async collect() {
      const count = await openFiles()
      if (count !== undefined) this.set(count)
    }
  })
  constant(registry, 'bootstrap_heap_limit_bytes', 'Size that V8 lets its heap grow to', heapLimitBytes())
  const { bytes } = memoryLimit()
  constant(registry, 'bootstrap_memory_limit_bytes', 'Memory of the container, or else of the machine', bytes)
}

function constant(registry: Registry, name: string, help: string, value: number): void {
  new Gauge({ name, help, registers: [registry] }).set(value)
}

/** Linux 6.2 and newer say it at once; before, the directory has no size and is read. Undefined without a /proc. */
export async function openFiles(directory = '/proc/self/fd'): Promise<number | undefined> {
  try {
    const { size } = await stat(directory)
    if (size > 0) return size
    let count = 0
    for await (const _ of await opendir(directory)) count++
    // the one that reads
    return count - 1
  } catch {
    return undefined
  }
}
