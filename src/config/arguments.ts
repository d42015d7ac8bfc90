import { parseArgs } from 'node:util'
import { type Setting, settings, type Variable } from './settings.ts'

/** What the process was asked to do. */
export type Command =
  | { readonly name: 'run' }
  | { readonly name: 'generate-key' }
  | { readonly name: 'help' }
  | { readonly name: 'version' }
  | { readonly name: 'check'; readonly address: string | undefined; readonly json: boolean }
  | { readonly name: 'doctor'; readonly json: boolean }

export interface Arguments {
  readonly command: Command
  readonly flags: ReadonlyMap<Variable, string>
  /** One sentence each. */
  readonly problems: readonly string[]
}

const rows = Object.entries(settings) as Array<[Variable, Setting<unknown>]>
const variableOf = new Map(rows.flatMap(([variable, { flag }]) => (flag === undefined ? [] : [[flag, variable]])))

const switches = {
  'generate-key': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  json: { type: 'boolean' },
  version: { type: 'boolean', short: 'v' }
} as const

/**
 * Reads the command line. Unlike `parseArgs` in strict mode it does not stop at the first error: all problems are
 * reported together with those of the environment. Go's single-dash long flags (`-port 9100`) are understood.
 *
 * @param argv without the program's name
 */
export function readArguments(argv: readonly string[]): Arguments {
  const { tokens } = parseArgs({
    args: argv.map((word) => (/^-[a-z][a-z-]+(=|$)/.test(word) ? `-${word}` : word)),
    options: { ...switches, ...Object.fromEntries([...variableOf.keys()].map((flag) => [flag, { type: 'string' }])) },
    strict: false,
    allowPositionals: true,
    tokens: true
  })
  const flags = new Map<Variable, string>()
  const problems: string[] = []
  const words: string[] = []
  const asked = new Set<string>()

  for (const token of tokens ?? []) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    const variable = variableOf.get(token.name)
    if (variable !== undefined) {
      if (token.value === undefined) problems.push(`${token.rawName} needs a value`)
      else flags.set(variable, token.value)
    } else if (token.name in switches) {
      if (token.value !== undefined) problems.push(`${token.rawName} takes no value`)
      asked.add(token.name)
    } else {
      problems.push(`unknown flag ${token.rawName}; --help lists the flags`)
    }
  }
  return { command: commandOf(asked, words, problems), flags, problems }
}

function commandOf(asked: ReadonlySet<string>, words: readonly string[], problems: string[]): Command {
  const [name, ...operands] = words
  const json = asked.has('json')
  if (asked.has('help')) return { name: 'help' }
  if (asked.has('version')) return { name: 'version' }
  if (asked.has('generate-key')) return { name: 'generate-key' }
  if (name === 'check') {
    if (operands.length > 1) problems.push('check takes one multiaddr')
    return { name: 'check', address: operands[0], json }
  }
  if (name === 'doctor') {
    if (operands.length > 0) problems.push('doctor takes no argument')
    return { name: 'doctor', json }
  }
  if (json) problems.push('--json belongs to check and doctor')
  if (name !== undefined) problems.push(`unknown command ${JSON.stringify(name)}; --help lists the commands`)
  return { name: 'run' }
}
