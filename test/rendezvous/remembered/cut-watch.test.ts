import { createHash } from 'node:crypto'
import { multiaddr } from '@multiformats/multiaddr'
import { pino } from 'pino'
import { beforeEach, describe, expect, it } from 'vitest'
import { encodePeer } from '../../../src/rendezvous/encode.ts'
import {
  askedAtOnce,
  CutWatch,
  dialBackEveryMs,
  firstPauseMs,
  giveUpAfterMs,
  longestPauseMs,
  settlesWithinMs
} from '../../../src/rendezvous/remembered/cut-watch.ts'
import { dialWithinMs } from '../../../src/rendezvous/remembered/dial-back.ts'
import type { FormerPeer } from '../../../src/rendezvous/remembered/restore.ts'
import { SimulatedClock } from '../../support/clock.ts'

let clock: SimulatedClock
let dials: Array<{ readonly ip: string; readonly atMs: number; readonly signal: AbortSignal; answer(): void }>
/** Whether those who are dialled answer. */
let isUp: boolean
let hasRoom: boolean
let dialledBack: Array<{ readonly atMs: number; readonly peers: readonly FormerPeer[] }>
let lines: string[]
/** What was told of peers that are waited for, with whether they are. */
let awaited: Array<[peer: string, is: boolean]>
let watch: CutWatch

const idOf = (name: string) =>
  Buffer.concat([Buffer.from([0x12, 32]), createHash('sha256').update(name).digest()]) as Uint8Array
const keyOf = (name: string) => Buffer.from(idOf(name)).toString('latin1')
/** Who listens at its address, and came from `from`. */
const peer = (name: string, ip: string, from = ip) => {
  const encoded = encodePeer(idOf(name), [multiaddr(`/ip4/${ip}/tcp/9000`).bytes])
  return [{ key: keyOf(name), encoded }, multiaddr(`/ip4/${from}/tcp/5`)] as const
}
const lose = (count: number) => {
  for (let i = 0; i < count; i++) watch.silent(...peer(`p${i}`, `192.0.2.${i}`))
}
const flush = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    clock.advance(Math.min(1_000, ms - passed))
    await flush()
  }
}
function open(notBeforeMs = 0): void {
  watch = new CutWatch(100, notBeforeMs, {
    clock,
    logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line).msg) }),
    own: () => ({ ips: new Set(['127.0.0.1']), endpoints: [] }),
    connectedPeers: () => 3,
    hasRoom: () => hasRoom,
    dial: (address, signal) => {
      return new Promise((resolve, reject) => {
        const answer = () => resolve(undefined)
        dials.push({ ip: address.toString().split('/')[2] ?? '', atMs: clock.now(), signal, answer })
        if (isUp) answer()
        signal.addEventListener('abort', () => reject(new Error('no answer')))
      })
    },
    dialFailed: () => false,
    onAwaited: (peer) => awaited.push([peer, watch.awaited(peer) !== undefined]),
    dialBack: (peers) => dialledBack.push({ atMs: clock.now(), peers }),
    wallMs: () => clock.now()
  })
}

beforeEach(() => {
  clock = new SimulatedClock()
  dials = []
  dialledBack = []
  lines = []
  awaited = []
  isUp = false
  hasRoom = true
  open()
})

describe('after a cut', () => {
  it('nobody is dialled for a few that go silent', async () => {
    lose(7)
    await pass(3_600_000)
    expect([dials, dialledBack, lines]).toEqual([[], [], []])
    expect(clock.pending).toBe(0)
  })

  it('some are asked, others each time, until one answers; then all are dialled back, those found silent meanwhile too', async () => {
    lose(20)
    expect(lines).toEqual([
      '8 peers have gone silent at once, and 3 are left: the network may be cut; they are dialled back when one of them answers'
    ])
    await pass(firstPauseMs)
    expect(dials.map(({ ip }) => ip)).toEqual(Array.from({ length: askedAtOnce }, (_, i) => `192.0.2.${19 - i}`))
    await pass(dialWithinMs + firstPauseMs)
    expect(new Set(dials.map(({ ip }) => ip)).size).toBe(2 * askedAtOnce)
    expect(dialledBack).toEqual([])
    isUp = true
    await pass(dialWithinMs + 2 * firstPauseMs)
    const backMs = dials.at(-1)?.atMs ?? 0
    watch.silent(...peer('late', '192.0.2.99'))
    await pass(settlesWithinMs)
    expect(dialledBack).toHaveLength(1)
    expect(dialledBack[0]?.atMs).toBe(backMs + settlesWithinMs)
    expect(dialledBack[0]?.peers.map(({ key }) => key)[0]).toBe(keyOf('late'))
    expect(dialledBack[0]?.peers).toHaveLength(21)
    const asked = dials.length
    await pass(dialBackEveryMs - 1_000)
    expect([dials.length, dialledBack.length]).toEqual([asked, 1])
  })

  it('the first answer counts, and who answers later does not put it off', async () => {
    lose(20)
    await pass(firstPauseMs)
    dials[0]?.answer()
    await flush()
    await pass(settlesWithinMs / 2)
    dials[1]?.answer()
    await flush()
    await pass(settlesWithinMs / 2)
    expect(dialledBack).toHaveLength(1)
  })

  it('one that comes by itself is an answer too', async () => {
    lose(20)
    watch.came(keyOf('stranger'))
    await pass(settlesWithinMs + 1_000)
    expect(dialledBack).toEqual([])
    watch.came(keyOf('p3'))
    await pass(settlesWithinMs)
    expect(dialledBack.map(({ peers }) => peers.length)).toEqual([19])
  })

  it('those whose turn did not come are dialled ten minutes later, and then it is over', async () => {
    isUp = true
    lose(20)
    await pass(firstPauseMs + settlesWithinMs)
    for (let i = 0; i < 15; i++) watch.over(keyOf(`p${i}`))
    await pass(dialBackEveryMs + firstPauseMs + settlesWithinMs)
    expect(dialledBack.map(({ peers }) => peers.length)).toEqual([20, 5])
    expect((dialledBack[1]?.atMs ?? 0) - (dialledBack[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(dialBackEveryMs)
    for (let i = 15; i < 20; i++) watch.over(keyOf(`p${i}`))
    await pass(dialBackEveryMs)
    expect([watch.lost, clock.pending]).toEqual([0, 0])
    // a few more are a few, as at first
    lose(7)
    await pass(3_600_000)
    expect(dialledBack).toHaveLength(2)
  })

  it('another cut right after the dial-back waits until ten minutes are over', async () => {
    isUp = true
    lose(20)
    await pass(firstPauseMs + settlesWithinMs)
    for (let i = 0; i < 20; i++) watch.over(keyOf(`p${i}`))
    lose(20)
    await pass(dialBackEveryMs + firstPauseMs + settlesWithinMs)
    expect(dialledBack.map(({ peers }) => peers.length)).toEqual([20, 20])
    expect((dialledBack[1]?.atMs ?? 0) - (dialledBack[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(dialBackEveryMs)
  })

  it('nobody is asked while the dial-back of the restart is under way', async () => {
    open(60_000)
    lose(20)
    await pass(59_000)
    expect(dials).toEqual([])
    await pass(1_000)
    expect(dials).toHaveLength(askedAtOnce)
  })

  it('nor is anybody dialled back meanwhile when one comes by itself', async () => {
    open(60_000)
    lose(20)
    watch.came(keyOf('p3'))
    await pass(59_000)
    expect(dialledBack).toEqual([])
    await pass(1_000)
    expect(dialledBack).toHaveLength(1)
  })

  it('it is asked less and less often, and given up after a day', async () => {
    lose(20)
    await pass(giveUpAfterMs + longestPauseMs + dialWithinMs)
    const rounds = [...new Set(dials.map(({ atMs }) => atMs))]
    const pauses = rounds.slice(1).map((atMs, i) => atMs - (rounds[i] ?? 0) - dialWithinMs)
    expect(pauses.slice(0, 6)).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000])
    expect([watch.lost, clock.pending, dialledBack]).toEqual([0, 0, []])
    expect(awaited.slice(-20).map(([, is]) => is)).toEqual(Array(20).fill(false))
    expect(lines.at(-1)).toBe('20 peers have not answered for a day, and are not waited for any more')
  }, 60_000)
})

it('tells who is waited for: all from a cut on, until they come', async () => {
  lose(7)
  expect(awaited).toEqual([])
  lose(9)
  // the ninth is told by the end of its connection
  expect(awaited).toEqual(Array.from({ length: 8 }, (_, i) => [keyOf(`p${i}`), true]))
  expect(watch.awaited(keyOf('p8'))).toEqual(multiaddr('/ip4/192.0.2.8/tcp/5').bytes)
  watch.came(keyOf('p8'))
  expect(watch.awaited(keyOf('p8'))).toBeUndefined()
})

it('asks no more than four times at an address that peers only name, however many name it', async () => {
  for (let i = 0; i < 90; i++) watch.silent(...peer(`p${i}`, '198.51.100.7', '192.0.2.1'))
  await pass(3_600_000)
  expect(dials.map(({ ip }) => ip)).toEqual(Array(4).fill('198.51.100.7'))
})

it('asks nobody for whom another would have to leave', async () => {
  hasRoom = false
  lose(20)
  await pass(60_000)
  expect(dials).toEqual([])
  hasRoom = true
  await pass(120_000)
  expect(dials.length).toBeGreaterThanOrEqual(askedAtOnce)
})

it('when it is stopped, gives up who is asked', async () => {
  lose(20)
  await pass(firstPauseMs)
  watch.stop()
  expect(dials.every(({ signal }) => signal.aborted)).toBe(true)
  await flush()
  expect(clock.pending).toBe(0)
  watch.silent(...peer('p', '192.0.2.1'))
  expect(watch.lost).toBe(20)
  await pass(60_000)
  expect(dials).toHaveLength(askedAtOnce)
})
