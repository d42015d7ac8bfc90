import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ratioChart } from './chart.ts'
import { type Circumstances, sentence } from './machine.ts'
import type { Comparison } from './measure.ts'
import { comparisonTable, ratios } from './table.ts'

const MARKERS = /(<!-- bench -->\n)[\s\S]*?(<!-- \/bench -->)/

/** Writes latest.json and latest.svg. */
export async function writeResults(
  directory: string,
  { medians, problems }: Comparison,
  about: Circumstances,
  go: string
): Promise<void> {
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'latest.json'), `${JSON.stringify({ ...about, medians, problems }, undefined, 2)}\n`)
  await writeFile(join(directory, 'latest.svg'), `${await ratioChart(ratios(medians, go))}\n`)
}

/** Puts the table between the README's markers. */
export async function writeReadme(file: string, { medians }: Comparison, about: Circumstances, go: string) {
  const text = await readFile(file, 'utf8')
  await writeFile(file, withTable(text, comparisonTable(medians, go), about))
}

/** @throws Error when the text has no markers */
export function withTable(text: string, table: string, about: Circumstances): string {
  if (!MARKERS.test(text)) throw new Error('no <!-- bench --> … <!-- /bench --> to put the table between')
  return text.replace(MARKERS, (_all, from, to) => `${from}${sentence(about)}\n\n${table}\n${to}`)
}
