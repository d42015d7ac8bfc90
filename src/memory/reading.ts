import { performance } from 'node:perf_hooks'
import { heapUsedBytes } from '../observe/heap-limit.ts'
import { residentBytes } from '../observe/resident-memory.ts'
import type { MemoryReading } from './excess.ts'

/**
 * Reads the memory of this process, and how busy its event loop was between two readings.
 *
 * @param connections that there are
 */
export function memoryReader(connections: () => number): () => MemoryReading {
  let before = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization: busyShare } = performance.eventLoopUtilization(now, before)
    before = now
    return { residentBytes: residentBytes(), heapUsedBytes: heapUsedBytes(), connections: connections(), busyShare }
  }
}
