import { parseArgs } from 'node:util'
import { type Attack, attacks } from './attacks.ts'
import { type SubjectName, subjectNames } from './subjects.ts'

export interface HostileOptions {
  readonly subjects: readonly SubjectName[]
  readonly attacks: readonly Attack[]
  readonly seconds: number
  readonly clients: number
}

export const HOSTILE_USAGE =
  'npm run test:hostile -- [--target ours|go|both] [--only ATTACK]… [--seconds 15] [--clients 100]; attacks: ' +
  attacks.map(({ name }) => name).join(' | ')

/** @throws Error in words */
export function hostileArguments(argv: readonly string[]): HostileOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      target: { type: 'string', default: 'both' },
      only: { type: 'string', multiple: true, default: [] },
      seconds: { type: 'string', default: '15' },
      clients: { type: 'string', default: '100' }
    }
  })
  const subjects = values.target === 'both' ? subjectNames : subjectNames.filter((name) => name === values.target)
  if (subjects.length === 0) throw new Error(`--target ${values.target}: ours, go or both`)
  const unknown = values.only.filter((name) => !attacks.some((attack) => attack.name === name))
  if (unknown.length > 0) throw new Error(`--only ${unknown.join(', ')}: no such attack`)
  const chosen = values.only.length === 0 ? attacks : attacks.filter(({ name }) => values.only.includes(name))
  return {
    subjects,
    attacks: chosen,
    seconds: positive('seconds', values.seconds),
    clients: positive('clients', values.clients)
  }
}

function positive(name: string, text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} ${text}: a whole number from 1`)
  return number
}
