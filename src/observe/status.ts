import type { Clock } from '../clock.ts'
import type { Logger } from './logger.ts'

/** As in the Go service. */
export const statusIntervalMs = 60_000

/** The seven fields that scripts read; all of them are kept as counts, so the line costs the same at any size. */
export interface Status {
  /** Peers connected. */
  readonly connected: number
  /** Peers whose addresses are kept, since they are connected or have a provider record; and this node. */
  readonly peerstore: number
  /** Peers in the DHT's routing table. */
  readonly dhtRoutingTable: number
  /** Active handles and requests of the process: sockets, servers, timers. */
  readonly goroutines: number
  readonly heapAllocBytes: number
  readonly heapInuseBytes: number
  readonly sysBytes: number
}

export function statusLine(status: Status): string {
  const { connected, peerstore, dhtRoutingTable, goroutines, heapAllocBytes, heapInuseBytes, sysBytes } = status
  const memory = `heap_alloc=${megabytes(heapAllocBytes)} heap_inuse=${megabytes(heapInuseBytes)} sys=${megabytes(sysBytes)}`
  return `Status: connected=${connected} peerstore=${peerstore} dht_rt=${dhtRoutingTable} goroutines=${goroutines} ${memory}`
}

/** As Go prints it: mebibytes, rounded down. */
function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 1024 / 1024)}MB`
}

/** The part of the status that the process itself knows. */
export function processStatus(): Omit<Status, 'connected' | 'peerstore' | 'dhtRoutingTable'> {
  const { heapUsed, heapTotal, rss } = process.memoryUsage()
  return {
    goroutines: process.getActiveResourcesInfo().length,
    heapAllocBytes: heapUsed,
    heapInuseBytes: heapTotal,
    sysBytes: rss
  }
}

/** Logs the status every {@link statusIntervalMs} until the returned function is called. */
export function startStatusLine(read: () => Status, clock: Clock, logger: Logger): () => void {
  let cancel = schedule()
  return () => cancel()

  function schedule(): () => void {
    return clock.after(statusIntervalMs, () => {
      logger.info(statusLine(read()))
      cancel = schedule()
    })
  }
}
