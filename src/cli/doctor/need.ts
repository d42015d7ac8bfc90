import type { Config } from '../../config/index.ts'

/** RSS of the node with nobody connected (Node 24: 85 MB), and what comes and goes. */
const baseBytes = 100e6
/** RSS of a TLS connection; over Noise it is a fifth. docs/performance.md has the figures. */
const connectionBytes = 65e3
/** Of it in V8's heap, with contact and index: measured 3 to 5 KB over Noise, and garbage takes as much again. */
const connectionHeapBytes = 12e3
/** Code, libraries and garbage. */
const baseHeapBytes = 60e6
/** Of a provider record with its key, measured; the setting bounds an estimate that is higher. */
const recordBytes = 600

/** RSS of this node with so many TLS connections. */
export function memoryNeed({ providers }: Config, connections: number): number {
  return baseBytes + connections * connectionBytes + recordsNeed(providers)
}

/** How many TLS connections fit into so many bytes; 0: none. */
export function connectionsIn({ providers }: Config, bytes: number): number {
  return Math.max(0, Math.floor((bytes - baseBytes - recordsNeed(providers)) / connectionBytes))
}

/** V8's heap with so many connections. */
export function heapNeed({ providers }: Config, connections: number): number {
  return baseHeapBytes + connections * connectionHeapBytes + recordsNeed(providers)
}

function recordsNeed({ maxRecords, maxBytes }: Config['providers']): number {
  return Math.min(maxBytes, maxRecords * recordBytes)
}
