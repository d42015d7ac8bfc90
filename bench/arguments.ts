import { parseArgs } from 'node:util'
import { groups } from './scenarios.ts'

export interface BenchOptions {
  /** Few peers, seconds: shows that everything runs, and says nothing of costs. */
  readonly quick: boolean
  /** Groups of scenarios. */
  readonly only: readonly string[]
  readonly rounds: number
  /** Node binaries, beside the one that runs this. */
  readonly nodes: readonly string[]
  /** Values of CONNECTION_STACK; empty: the node's default. */
  readonly stacks: readonly string[]
}

export const BENCH_USAGE = `npm run bench -- [--quick] [--only ${groups.join(',')}] [--rounds 3] [--node FILE]… [--stack NAME]…`

/** @throws Error in words */
export function benchArguments(argv: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: groups.join(',') },
      rounds: { type: 'string' },
      node: { type: 'string', multiple: true, default: [] },
      stack: { type: 'string', multiple: true, default: [] }
    }
  })
  const only = values.only.split(',')
  const unknown = only.filter((name) => !groups.includes(name))
  if (unknown.length > 0) throw new Error(`--only ${unknown.join(',')}: one or more of ${groups.join(',')}`)
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3))
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds}: a whole number from 1`)
  return { quick: values.quick, only, rounds, nodes: values.node, stacks: values.stack }
}
