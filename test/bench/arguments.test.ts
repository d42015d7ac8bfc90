import { describe, expect, it } from 'vitest'
import { benchArguments } from '../../bench/arguments.ts'
import { soakArguments } from '../../bench/soak/arguments.ts'

describe('the command line of the comparison', () => {
  it('measures all in three rounds, or quickly in one', () => {
    expect(benchArguments([])).toMatchObject({ quick: false, rounds: 3, nodes: [], stacks: [] })
    expect(benchArguments(['--quick'])).toMatchObject({ quick: true, rounds: 1 })
  })

  it('takes groups, Node binaries and stacks', () => {
    const options = benchArguments(['--only', 'joins,rpc', '--node', 'a', '--node', 'b', '--stack', 'lean'])
    expect(options).toMatchObject({ only: ['joins', 'rpc'], nodes: ['a', 'b'], stacks: ['lean'] })
  })

  it.each([[['--only', 'jions']], [['--rounds', '0']], [['--rounds', 'x']], [['--fast']]])('refuses %j', (argv) => {
    expect(() => benchArguments(argv)).toThrow()
  })
})

describe('the command line of the soak', () => {
  it('has the bound of the requirement', () => {
    expect(soakArguments([])).toEqual({ peers: 500, rounds: 10, minutes: 0, boundBytes: 200 })
  })

  // after two rounds the first reading, and one more for a difference
  it.each([[['--rounds', '2']], [['--peers', '0']], [['--bound', '-1']], [['--bound', 'x']], [['--hours', '1']]])(
    'refuses %j',
    (argv) => {
      expect(() => soakArguments(argv)).toThrow()
    }
  )
})
