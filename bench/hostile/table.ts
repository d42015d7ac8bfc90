import { markdownTable } from 'markdown-table'
import type { Attack } from './attacks.ts'
import type { Ordeal } from './ordeal.ts'
import { missed } from './targets.ts'

export interface Row {
  readonly attack: Attack
  readonly subject: string
  /** Undefined: it did not come through. */
  readonly result: Ordeal | undefined
  readonly problem?: string
}

const head = [
  'attack',
  'server',
  'kept',
  'failed requests',
  'p50 / p99 ms',
  'newcomers',
  'join p50 / max ms',
  'honest of 100 (early, late)',
  'MB before',
  'grown by',
  'stayed',
  'attacker',
  'missed'
]

/** The ordeals as a Markdown table. */
export function ordealTable(rows: readonly Row[]): string {
  return markdownTable([head, ...rows.map(cells)])
}

function cells({ attack, subject, result, problem }: Row): string[] {
  if (result === undefined) return [attack.name, subject, ...Array<string>(head.length - 3).fill('–'), problem ?? '–']
  const { seen, attacked, rssBeforeMB, rssPeakMB, rssAfterMB } = result
  return [
    attack.name,
    subject,
    `${seen.kept}/${seen.clients}`,
    `${seen.errors}/${seen.errors + seen.requests}`,
    `${seen.p50_ms.toFixed(1)} / ${seen.p99_ms.toFixed(0)}`,
    `${seen.newcomers_joined}/${seen.newcomers}`,
    `${seen.join_p50_ms.toFixed(0)} / ${seen.join_max_ms.toFixed(0)}`,
    `${(seen.least_honest_share * 100).toFixed(0)} % (${seen.last_early}, ${seen.last_late} of ${seen.last_late_of})`,
    rssBeforeMB.toFixed(0),
    (rssPeakMB - rssBeforeMB).toFixed(0),
    (rssAfterMB - rssBeforeMB).toFixed(0),
    achievedBy(attacked),
    missed(attack, result).join('; ') || 'nothing'
  ]
}

function achievedBy({ attacker_cpu_s: cpu, achieved }: Ordeal['attacked']): string {
  const counts = Object.entries(achieved).map(([what, count]) => `${count.toLocaleString('en-US')} ${what}`)
  return [`${cpu.toFixed(1)} s CPU`, ...counts].join(', ')
}
