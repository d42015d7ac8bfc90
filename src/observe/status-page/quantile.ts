import type { Buckets } from './reading.ts'

/** What was observed between two moments; a bucket that has fewer than before was reset and begins anew. */
export function difference(before: Buckets, after: Buckets): Buckets {
  return new Map([...after].map(([bound, count]) => [bound, count - Math.min(count, before.get(bound) ?? 0)]))
}

/**
 * Estimates a quantile as Prometheus' `histogram_quantile` does: evenly spread within a bucket, and the highest finite bound
 * when it is beyond all of them.
 *
 * @param share from 0 to 1
 * @returns undefined when nothing was observed
 */
export function quantile(buckets: Buckets, share: number): number | undefined {
  let total = 0
  for (const count of buckets.values()) total += count
  if (total === 0) return undefined
  const rank = share * total
  let seen = 0
  let from = 0
  for (const [bound, count] of buckets) {
    if (count > 0 && seen + count >= rank) {
      return bound === Number.POSITIVE_INFINITY ? from : from + ((bound - from) * Math.max(0, rank - seen)) / count
    }
    seen += count
    if (bound !== Number.POSITIVE_INFINITY) from = bound
  }
  return from
}
