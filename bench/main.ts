import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BENCH_USAGE, type BenchOptions, benchArguments } from './arguments.ts'
import { circumstances, sentence } from './machine.ts'
import { compare } from './measure.ts'
import { writeReadme, writeResults } from './publish.ts'
import { fullSize, groups, quickSize, scenarios } from './scenarios.ts'
import { comparisonTable } from './table.ts'
import { goVariant, ourVariant, type Variant } from './variants.ts'

const readmeFile = fileURLToPath(new URL('../README.md', import.meta.url))
const resultsDirectory = fileURLToPath(new URL('./results', import.meta.url))

async function main(): Promise<number> {
  let options: BenchOptions
  try {
    options = benchArguments(process.argv.slice(2))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${BENCH_USAGE}`)
    return 2
  }
  const go = await goVariant()
  const plan = {
    variants: [go, ...(await ours(options))],
    scenarios: scenarios.filter(
      ({ group, isRepetition = false }) => options.only.includes(group) && !(options.quick && isRepetition)
    ),
    rounds: options.rounds,
    size: options.quick ? quickSize : fullSize
  }
  const startedMs = performance.now()
  const comparison = await compare(plan, (line) => {
    console.error(`${((performance.now() - startedMs) / 1000).toFixed(0).padStart(5)} s  ${line}`)
  })
  const about = await circumstances(options.rounds, new Date())
  // what was measured in part, or too briefly, is not published
  const isComplete = !options.quick && options.only.length === groups.length
  const directory = isComplete ? resultsDirectory : await mkdtemp(join(tmpdir(), 'powerloom-bench-'))
  await writeResults(directory, comparison, about, go.name)
  if (isComplete) await writeReadme(readmeFile, comparison, about, go.name)
  const note = options.quick
    ? 'A quick run: a few peers for seconds, so that no figure says anything.'
    : sentence(about)
  console.log(`${note}\n\n${comparisonTable(comparison.medians, go.name)}\n`)
  console.log(`latest.json and latest.svg: ${directory}`)
  if (comparison.problems.length > 0) console.log(`\nnot all went well:\n${comparison.problems.join('\n')}`)
  return comparison.problems.length === 0 ? 0 : 1
}

function ours({ nodes, stacks }: BenchOptions): Promise<Variant[]> {
  const binaries = [process.execPath, ...nodes]
  const choices = stacks.length === 0 ? [undefined] : stacks
  return Promise.all(binaries.flatMap((binary) => choices.map((stack) => ourVariant(binary, stack))))
}

process.exitCode = await main()
