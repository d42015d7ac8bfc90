import type { Memory } from '../node.ts'

/** What is in memory, after garbage collection, when all peers of a round are gone. */
export interface Reading extends Memory {
  /** Peers that have left since the start. */
  readonly departed: number
}

export interface Verdict {
  readonly bytesPerPeer: number
  readonly passed: boolean
}

const total = ({ heapUsed, external }: Memory): number => heapUsed + external

/** Bytes that stayed for each peer that left between two readings; negative when memory fell. */
export function bytesPerPeer(first: Reading, last: Reading): number {
  return (total(last) - total(first)) / (last.departed - first.departed)
}

export function verdict(first: Reading, last: Reading, boundBytes: number): Verdict {
  const bytes = bytesPerPeer(first, last)
  return { bytesPerPeer: bytes, passed: bytes < boundBytes }
}
