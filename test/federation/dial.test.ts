import { createHash } from 'node:crypto'
import type { Libp2p } from '@libp2p/interface'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { create as createMultihash } from 'multiformats/hashes/digest'
import { pino } from 'pino'
import { beforeEach, describe, expect, it } from 'vitest'
import { addressWithinMs } from '../../src/federation/dial.ts'
import { Federation } from '../../src/federation/federation.ts'
import { maxMembers, readMembers } from '../../src/federation/members.ts'
import { SimulatedClock } from '../support/clock.ts'

const id = '12D3KooWLj3rEPbGPaAUFnpCGojy4K1enVu8yYbmxH3vufAphQFn'
const [first, second, third] = [1, 2, 3].map((host) => `/ip4/192.0.2.${host}/tcp/4001/p2p/${id}`) as [
  string,
  string,
  string
]

const idOf = (name: string) =>
  peerIdFromMultihash(createMultihash(0x12, createHash('sha256').update(name).digest())).toString()

let clock: SimulatedClock
let dialled: string[]
let underWay: number
/** What a dial of an address ends with; of others it does not end by itself. */
let answers: Map<string, Error | 'open'>
let lines: string[]

/** libp2p's: one address after the other, all of them within the signal. */
async function openConnection(target: unknown, { signal }: { signal?: AbortSignal } = {}): Promise<never> {
  for (const address of (Array.isArray(target) ? target : [target]) as Multiaddr[]) {
    dialled.push(address.toString())
    underWay++
    try {
      const answer = answers.get(address.toString())
      if (answer === 'open') return undefined as never
      if (answer !== undefined) throw answer
      await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('timed out'))))
    } finally {
      underWay--
    }
  }
  throw new Error('unreachable')
}

function start(list: readonly string[] = [first, second, third]): Federation {
  const federation = new Federation(readMembers(list, 'self').members, {
    libp2p: new EventTarget() as unknown as Libp2p,
    connections: { index: { isConnected: () => false, protect: () => {} }, openConnection } as never,
    clock,
    logger: pino({}, { write: (line: string) => void lines.push(JSON.parse(line).msg) }),
    random: () => 0
  })
  federation.start()
  return federation
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

beforeEach(() => {
  clock = new SimulatedClock()
  dialled = []
  underWay = 0
  answers = new Map()
  lines = []
})

describe('a member with several addresses', () => {
  it('is reached behind any number of them where nothing answers', async () => {
    answers.set(third, 'open')
    start()
    for (let i = 0; i < 2; i++) {
      await turn()
      clock.advance(addressWithinMs)
    }
    await turn()
    expect(dialled).toEqual([first, second, third])
    expect(underWay).toBe(0)
  })

  it('is dialled no further once it is reached, and leaves no deadline', async () => {
    answers.set(first, 'open')
    const federation = start()
    await turn()
    expect(dialled).toEqual([first])
    federation.stop()
    expect(clock.pending).toBe(0)
  })

  it('fails with what happened at each, those that a name stands for included', async () => {
    answers.set(first, new Error('refused'))
    answers.set(second, new AggregateError([new Error('no route'), new Error('reset')]))
    answers.set(third, new Error('timed out'))
    start()
    await turn()
    expect(lines).toEqual([expect.stringContaining('(refused; no route; reset; timed out)')])
    answers.set(second, new AggregateError([new Error('refused'), new Error('Unexpected Peer')]))
    clock.advance(1_000)
    await turn()
    expect(lines.at(-1)).toContain('is not who answers')
  })

  it('is not dialled at the next one when the node stops', async () => {
    const federation = start()
    await turn()
    federation.stop()
    await turn()
    expect([dialled, underWay, clock.pending]).toEqual([[first], 0, 0])
  })
})

it('dials all members at once without a warning of Node', async () => {
  const told: Error[] = []
  const tell = (warning: Error) => void told.push(warning)
  process.on('warning', tell)
  const others = Array.from({ length: maxMembers }, (_, i) => first.replace(id, idOf(`member ${i}`)))
  const federation = start(others)
  await turn()
  process.off('warning', tell)
  expect([underWay, told]).toEqual([maxMembers, []])
  federation.stop()
})
