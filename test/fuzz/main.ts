// npm run fuzz -- [--inputs N] [--seed N] [--only NAME]
import '../support/polyfill.ts'
import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { markdownTable } from 'markdown-table'
import { fuzz, shares, type TargetReport } from './run.ts'
import type { Target } from './target.ts'
import { allTargets } from './targets/index.ts'

const usage = `npm run fuzz -- [--inputs 1000000] [--seed N] [--only NAME]

Feeds everything that reads what strangers send with mutants of recorded messages. Inputs are those of all targets together, or of
the one that is named. What crashes is kept in test/fuzz/crashers/ and run by the unit tests from then on.
`

const { values } = parseArgs({
  options: { inputs: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' }, help: { type: 'boolean' } }
})
if (values.help === true) {
  process.stdout.write(usage)
  process.exit(0)
}
const inputs = wholeNumber('inputs', values.inputs ?? '1000000')
const seed = wholeNumber('seed', values.seed ?? String(Math.floor(Math.random() * 2 ** 31)))
const uncaught: unknown[] = []
process
  .on('uncaughtException', (cause) => uncaught.push(cause))
  .on('unhandledRejection', (cause) => uncaught.push(cause))

const all = await allTargets()
const targets = all.filter(({ name }) => values.only === undefined || name === values.only)
if (targets.length === 0) fail(`--only ${values.only}: there are ${all.map(({ name }) => name).join(', ')}`)
const counts = shares(targets, inputs)
console.log(`seed ${seed}, Node ${process.version}`)

const reports: TargetReport[] = []
for (const [at, target] of targets.entries()) reports.push(await run(target, counts[at] ?? 0))
for (const { close } of all) await close?.()

const total = reports.reduce((sum, { inputs }) => sum + inputs, 0)
console.log(markdownTable([['what is read', 'inputs', 'inputs/s', 'crashes', 'slowest input'], ...reports.map(row)]))
const crashes = reports.reduce((sum, report) => sum + report.crashes.length, 0)
console.log(`\n${total} inputs, ${crashes} crashes, ${uncaught.length} uncaught errors`)
for (const cause of uncaught.slice(0, 10)) console.error(cause)
process.exit(crashes + uncaught.length === 0 ? 0 : 1)

async function run(target: Target, count: number): Promise<TargetReport> {
  const report = await fuzz(target, count, seed)
  for (const { input, cause, file } of report.crashes) {
    const url = new URL(`crashers/${file}`, import.meta.url)
    mkdirSync(new URL('.', url), { recursive: true })
    writeFileSync(url, input)
    console.error(`${target.name}: crashers/${file}, ${input.length} bytes: ${traceOf(cause)}`)
  }
  return report
}

/** What happened, and where in the code under test. */
function traceOf(cause: unknown): string {
  const [what = '', ...places] = (cause instanceof Error ? (cause.stack ?? '') : String(cause)).split('\n')
  return [what, ...places.filter((place) => place.includes('/src/')).slice(0, 3)].join('\n')
}

function row({ name, inputs, durationMs, crashes, slowestMs, slowestBytes }: TargetReport): string[] {
  const rate = Math.round(inputs / (durationMs / 1000))
  return [
    name,
    String(inputs),
    String(rate),
    String(crashes.length),
    `${slowestMs.toFixed(1)} ms, ${slowestBytes} bytes`
  ]
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) fail(`--${name} ${text}: a whole number is needed`)
  return value
}

function fail(problem: string): never {
  process.stderr.write(`${problem}\n\n${usage}`)
  process.exit(2)
}
