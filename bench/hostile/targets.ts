import type { Attack } from './attacks.ts'
import type { Ordeal } from './ordeal.ts'

/** What a server has to keep to under every attack. */
export const targets = {
  answerP99Ms: 250,
  joinMs: 2_000,
  growthMB: 64,
  leftShare: 0.1,
  honestShare: 0.5
} as const

export function isRecovered(beforeMB: number, nowMB: number): boolean {
  return nowMB <= beforeMB * (1 + targets.leftShare)
}

/** The targets that were missed, in words; none: all are met. */
export function missed(attack: Attack, result: Ordeal): string[] {
  const { seen, rssBeforeMB, rssPeakMB, rssAfterMB, forgedLines } = result
  const growthMB = rssPeakMB - rssBeforeMB
  const checks: ReadonlyArray<readonly [isMissed: boolean, what: string]> = [
    [seen.kept < seen.clients, `${seen.clients - seen.kept} connections lost`],
    [seen.errors > 0, `${seen.errors} of ${seen.requests + seen.errors} requests failed`],
    [seen.p99_ms > targets.answerP99Ms, `p99 ${seen.p99_ms.toFixed(0)} ms`],
    [seen.newcomers_joined < seen.newcomers, `${seen.newcomers - seen.newcomers_joined} newcomers did not join`],
    [seen.join_max_ms > targets.joinMs, `a join took ${seen.join_max_ms.toFixed(0)} ms`],
    [growthMB > targets.growthMB, `${growthMB.toFixed(0)} MB more`],
    [
      !attack.leavesRecords && !isRecovered(rssBeforeMB, rssAfterMB),
      `${(rssAfterMB - rssBeforeMB).toFixed(0)} MB stayed`
    ],
    [
      seen.least_honest_share < targets.honestShare,
      `${(seen.least_honest_share * 100).toFixed(0)} % of the first hundred honest`
    ],
    [forgedLines > 0, `${forgedLines} log lines with control characters`]
  ]
  return checks.filter(([isMissed]) => isMissed).map(([, what]) => what)
}
