import { difference, quantile } from './quantile.ts'
import type { Reading } from './reading.ts'
import type { Figures, RpcFigures } from './report.ts'

const handshakes = 'bootstrap_handshake_seconds'
const rpcs = 'bootstrap_rpc_seconds'

/**
 * What the page says of two readings: the state is the later one's, rates and quantiles are of what happened between them.
 *
 * @param before the same as `after`: rates are not known
 */
export function figuresBetween(before: Reading, after: Reading): Figures {
  const windowSeconds = Math.max(0, after.atMs - before.atMs) / 1_000
  const rate = (rise: number) => (windowSeconds === 0 ? null : rise / windowSeconds)
  // a counter that fell has begun anew
  const rateOf = (name: string) => {
    const [from, to] = [before.sum(name), after.sum(name)]
    return rate(to < from ? to : to - from)
  }
  const quantileOf = (name: string, share: number, labels = {}) =>
    quantile(difference(before.buckets(name, labels), after.buckets(name, labels)), share) ?? null

  const limit = (mark: string) => after.sum('bootstrap_connections_limit', { mark })
  const asked = (labels: Readonly<Record<string, string>>) => after.count(rpcs, labels) - before.count(rpcs, labels)
  const figuresOfType = (type: string): RpcFigures => ({
    type,
    perSecond: rate(asked({ type })) ?? 0,
    failedPerSecond: rate(asked({ type }) - asked({ type, result: 'ok' })) ?? 0,
    p50Seconds: quantileOf(rpcs, 0.5, { type }),
    p99Seconds: quantileOf(rpcs, 0.99, { type })
  })

  return {
    windowSeconds,
    connections: after.sum('bootstrap_connections'),
    peers: after.sum('bootstrap_connected_peers'),
    inbound: after.sum('bootstrap_connections', { direction: 'inbound' }),
    outbound: after.sum('bootstrap_connections', { direction: 'outbound' }),
    bySecurity: Object.fromEntries(after.by('bootstrap_connections', 'security')),
    lowWater: limit('low_water'),
    highWater: limit('high_water'),
    cap: limit('cap'),
    joinsPerSecond: rateOf('bootstrap_connections_opened_total'),
    leavesPerSecond: rateOf('bootstrap_connections_closed_total'),
    refusalsPerSecond: rateOf('bootstrap_refusals_total'),
    evictionsPerSecond: rateOf('bootstrap_evictions_total'),
    handshakeFailuresPerSecond: rateOf('bootstrap_handshake_failures_total'),
    handshakeP50Seconds: quantileOf(handshakes, 0.5),
    handshakeP99Seconds: quantileOf(handshakes, 0.99),
    rpcPerSecond: rate(asked({})),
    rpcP50Seconds: quantileOf(rpcs, 0.5),
    rpcP99Seconds: quantileOf(rpcs, 0.99),
    rpcs: after
      .labelsOf(rpcs, 'type')
      .map(figuresOfType)
      .filter(({ perSecond }) => perSecond > 0)
      .sort((a, b) => b.perSecond - a.perSecond),
    providerKeys: after.sum('bootstrap_provider_keys'),
    providerRecords: after.sum('bootstrap_provider_records'),
    providerBytes: after.sum('bootstrap_provider_bytes'),
    eventLoopDelaySeconds: eventLoopDelay(after) ?? null,
    residentBytes: after.sum('process_resident_memory_bytes'),
    heapBytes: after.sum('nodejs_heap_size_used_bytes'),
    heapLimitBytes: after.sum('bootstrap_heap_limit_bytes'),
    memoryLimitBytes: after.sum('bootstrap_memory_limit_bytes'),
    openFiles: after.sum('process_open_fds'),
    openFilesLimit: after.sum('process_max_fds'),
    cpuShare: rateOf('process_cpu_seconds_total')
  }
}

/** The highest of its samples but the longest single delay, which says how bad it was once and not how it is. */
function eventLoopDelay(reading: Reading): number | undefined {
  const name = 'bootstrap_event_loop_delay_seconds'
  return reading.value(name, { quantile: '0.99' }) ?? reading.value(name)
}
