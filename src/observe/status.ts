import { getHeapStatistics } from 'node:v8'
import type { Clock } from '../clock.ts'
import type { StateHealth } from '../state/state.ts'
import type { EventLoopDelay } from './event-loop.ts'
import type { Logger } from './logger.ts'
import { residentBytes } from './resident-memory.ts'

/** As in the Go service. */
export const statusIntervalMs = 60_000

/** The seven fields that scripts read; all of them are kept as counts, so the line costs the same at any size. */
export interface StatusFields {
  /** Peers connected. */
  readonly connected: number
  /** Peers whose addresses are kept, since they are connected or have a provider record; and this node. */
  readonly peerstore: number
  /** Peers in the DHT's routing table. */
  readonly dhtRoutingTable: number
  /** Active handles of the process: those of the empty node (servers, timers) and one for each socket. */
  readonly goroutines: number
  readonly heapAllocBytes: number
  readonly heapInuseBytes: number
  readonly sysBytes: number
}

type Counts = Readonly<Record<string, number>>

export interface Status extends StatusFields {
  /** Since the last status line. */
  readonly eventLoopDelay: EventLoopDelay
  /** How often handshakes failed and inbound connections ended, by reason; empty on the stock stack. */
  readonly endings: { readonly handshakes: Counts; readonly connections: Counts }
  /** Undefined without a DATA_DIR. */
  readonly state: StateHealth | undefined
}

export function statusLine(status: StatusFields): string {
  const { connected, peerstore, dhtRoutingTable, goroutines, heapAllocBytes, heapInuseBytes, sysBytes } = status
  const memory = `heap_alloc=${megabytes(heapAllocBytes)} heap_inuse=${megabytes(heapInuseBytes)} sys=${megabytes(sysBytes)}`
  return `Status: connected=${connected} peerstore=${peerstore} dht_rt=${dhtRoutingTable} goroutines=${goroutines} ${memory}`
}

/** As Go prints it: mebibytes, rounded down. */
function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 1024 / 1024)}MB`
}

/** What the process says of its memory. */
export function memoryStatus(): Pick<Status, 'heapAllocBytes' | 'heapInuseBytes' | 'sysBytes'> {
  // not process.memoryUsage(), which throws when no file can be opened
  const { used_heap_size, total_heap_size } = getHeapStatistics()
  return {
    heapAllocBytes: used_heap_size,
    heapInuseBytes: total_heap_size,
    sysBytes: residentBytes()
  }
}

/** A peer that joins meanwhile may give up: Go clients wait 5 s for a handshake. */
const blockedMs = 1_000

/**
 * Logs the status every {@link statusIntervalMs} until the returned function is called.
 *
 * @param onLogged called after each line
 */
export function startStatusLine(read: () => Status, onLogged: () => void, clock: Clock, logger: Logger): () => void {
  let cancel = schedule()
  return () => cancel()

  function schedule(): () => void {
    return clock.after(statusIntervalMs, () => {
      const status = read()
      logger.info(statusLine(status))
      const { maxMs } = status.eventLoopDelay
      if (maxMs > blockedMs)
        logger.warn(`the event loop was blocked for ${Math.round(maxMs)} ms, and no peer was served`)
      const { state } = status
      if (state?.problem !== undefined) {
        const { reason, forMs } = state.problem
        logger.warn(
          `the state is not saved for ${Math.round(forMs / 1_000)} s (${reason}); ${state.pending} changes wait`
        )
      }
      onLogged()
      cancel = schedule()
    })
  }
}
