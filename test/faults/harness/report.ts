import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { markdownTable } from 'markdown-table'

/** What became of a node and its clients; the times are printed and decide nothing. */
export interface Row {
  readonly fault: string
  /** What a client or an operator may rely on. */
  readonly promise: string
  readonly node: 'ours' | 'baseline'
  readonly clients: number
  /** Clients whose connection ended during the fault or after it. */
  readonly cut: number
  /** Clients that do not have the node in their routing table at the end: they never search again. */
  readonly lost: number
  readonly pollsFailed: number
  readonly polls: number
  /** Providers that a newcomer did not find at the end. */
  readonly missed: number
  /** From the end of the fault until a newcomer found everybody. */
  readonly newcomerServedMs: number
  /** Of those: who has found nobody since. */
  readonly neverServed: number
  /** From the end of the fault until the last other client whose connection had ended was served again. */
  readonly servedAgainMs: number
  readonly note: string
}

const file = fileURLToPath(new URL('../../../docs/faults.md', import.meta.url))
const markers = /(<!-- faults -->\n)[\s\S]*?(<!-- \/faults -->)/

export function tableOf(rows: readonly Row[]): string {
  const head = [
    'fault',
    'node',
    'cut',
    'lost',
    'searches failed',
    'records missed',
    'cut served after',
    'newcomer served after',
    ''
  ]
  const body = rows.map((row) => [
    row.fault,
    row.node === 'ours' ? 'ours' : 'Go',
    `${row.cut} of ${row.clients}`,
    String(row.lost),
    `${row.pollsFailed} of ${row.polls}`,
    String(row.missed),
    servedAgain(row),
    row.missed > 0 ? 'never' : seconds(row.newcomerServedMs),
    row.note
  ])
  return markdownTable([head, ...body], { align: ['l', 'l', 'r', 'r', 'r', 'r', 'r', 'r', 'l'] })
}

/** Puts the table, and what was promised, into docs/faults.md. */
export function publish(rows: readonly Row[]): void {
  const promised = [...new Map(rows.map(({ fault, promise }) => [fault, promise]))]
  const promises = markdownTable([['fault', 'promised'], ...promised])
  const about = `Node ${process.versions.node}, ${cpus().length} cores, ${new Date().toISOString().slice(0, 10)}.`
  const text = readFileSync(file, 'utf8')
  writeFileSync(
    file,
    text.replace(markers, (_all, from, to) => `${from}${promises}\n\n${about}\n\n${tableOf(rows)}\n${to}`)
  )
}

function servedAgain({ cut, neverServed, servedAgainMs }: Row): string {
  if (cut === 0) return '–'
  if (neverServed === cut) return 'never'
  const others = neverServed === 0 ? '' : `, ${neverServed} never`
  // some were served while others still waited for the end
  return `${servedAgainMs === 0 ? 'before' : seconds(servedAgainMs)}${others}`
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
