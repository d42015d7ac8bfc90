import { parseArgs } from 'node:util'

export interface SoakOptions {
  /** New peers in each round. */
  readonly peers: number
  /** At least this many rounds. */
  readonly rounds: number
  /** As long as this at least; 0: the rounds decide. */
  readonly minutes: number
  /** Bytes that may stay for each departed peer. */
  readonly boundBytes: number
}

export const SOAK_USAGE =
  'npm run soak -- [--peers 500] [--rounds 10] [--minutes 0] [--bound 200]: exit 1 when more than --bound bytes stay for each departed peer'

/** Rounds before the first reading: code is compiled, tables reach their size. */
export const WARM_UP_ROUNDS = 2

/** @throws Error in words */
export function soakArguments(argv: readonly string[]): SoakOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      peers: { type: 'string', default: '500' },
      rounds: { type: 'string', default: '10' },
      minutes: { type: 'string', default: '0' },
      bound: { type: 'string', default: '200' }
    }
  })
  const number = (name: keyof typeof values, least: number): number => {
    const value = Number(values[name])
    if (!(value >= least)) throw new Error(`--${name} ${values[name]}: a number from ${least}\n${SOAK_USAGE}`)
    return value
  }
  return {
    peers: number('peers', 1),
    rounds: number('rounds', WARM_UP_ROUNDS + 1),
    minutes: number('minutes', 0),
    boundBytes: number('bound', 0)
  }
}
