import { getHeapStatistics } from 'node:v8'

const mebibyte = 1024 * 1024

/** What V8 adds to the old space for the young ones: 48 MB in Node 20, 192 MB in Node 24. */
const youngBytes = 192 * mebibyte

/**
 * How large V8 lets the old space become, in bytes; beyond it the process dies. Without a flag V8 takes half of the memory
 * that Node tells it of, the container's if there is one, but 2 GB at most, 4 GB from 15 GB on; a flag for it has no effect
 * once V8 has started (Node 20.20 and 24).
 *
 * @param flags those of the process (`process.execArgv`) and of NODE_OPTIONS
 */
export function heapLimitBytes(
  flags: readonly string[] = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)],
  allBytes = getHeapStatistics().heap_size_limit
): number {
  const given = flags.map((flag) => /^--max[-_]old[-_]space[-_]size=(\d+)$/.exec(flag)?.[1]).findLast(Boolean)
  if (given !== undefined) return Number(given) * mebibyte
  return Math.max(allBytes - youngBytes, allBytes / 2)
}

/** What is in it, garbage that was not collected yet included. */
export function heapUsedBytes(): number {
  return getHeapStatistics().used_heap_size
}
