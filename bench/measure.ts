import type { Measured } from './figures.ts'
import { type Facts, runLoad } from './load.ts'
import type { Scenario, Size } from './scenarios.ts'
import type { Variant } from './variants.ts'

/** Medians by variant and figure. */
export type Medians = Readonly<Record<string, Measured>>

export interface Comparison {
  readonly medians: Medians
  /** What went wrong for peers of the load, one sentence each; timings beside such a line are doubtful. */
  readonly problems: readonly string[]
}

export interface Plan {
  readonly variants: readonly Variant[]
  readonly scenarios: readonly Scenario[]
  readonly rounds: number
  readonly size: Size
}

/** The facts that count failures; the cap and the burst may refuse. */
const FAILURES = ['join_errors', 'rpc_errors', 'add_errors', 'get_errors', 'providers_missing']

/**
 * Runs each scenario for each variant, round after round, on a fresh server each time. The variants alternate within a
 * round and the order turns with each round, so that a drift of the machine meets all of them.
 */
export async function compare(plan: Plan, report: (line: string) => void): Promise<Comparison> {
  const runs = new Map<string, Measured[]>()
  const problems: string[] = []
  for (const scenario of plan.scenarios) {
    for (let round = 1; round <= plan.rounds; round++) {
      const order = round % 2 === 1 ? plan.variants : plan.variants.toReversed()
      for (const variant of order) {
        const title = `${scenario.name}, ${variant.name}, round ${round} of ${plan.rounds}`
        report(title)
        const measured = await runOnce(scenario, variant, plan.size, report, (facts) => {
          for (const name of FAILURES) {
            if (Number(facts[name] ?? 0) > 0) problems.push(`${title}: ${name} ${facts[name]}`)
          }
        })
        runs.set(variant.name, [...(runs.get(variant.name) ?? []), measured])
      }
    }
  }
  return { medians: Object.fromEntries([...runs].map(([name, all]) => [name, mediansOf(all)])), problems }
}

async function runOnce(
  scenario: Scenario,
  { isOurs, start }: Variant,
  size: Size,
  report: (line: string) => void,
  check: (facts: Facts) => void
): Promise<Measured> {
  const server = await start(scenario.settings ?? {})
  try {
    return await scenario.run(
      {
        server,
        isOurs,
        async load(command, flags, onProgress) {
          const facts = await runLoad(command, server, flags, (line) => {
            report(`  ${line}`)
            onProgress?.(line)
          })
          check(facts)
          return facts
        }
      },
      size
    )
  } finally {
    await server.daemon.stop()
  }
}

/** The median of each figure over the runs in which it was measured. */
export function mediansOf(runs: readonly Measured[]): Measured {
  const ids = new Set(runs.flatMap((run) => Object.keys(run)))
  return Object.fromEntries([...ids].map((id) => [id, median(runs.flatMap((run) => run[id] ?? []))]))
}

/** Of an even number: the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]]
  if (low === undefined || high === undefined) throw new RangeError('the median of nothing')
  return (low + high) / 2
}
