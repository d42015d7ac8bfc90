import { createHash } from 'node:crypto'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import { decode as decodeMultihash } from 'multiformats/hashes/digest'
import { pino } from 'pino'
import { beforeEach, expect, it } from 'vitest'
import {
  DialBack,
  type DialBackParts,
  dialBackWithinMs,
  dialWithinMs,
  maxParallelDials,
  progressIntervalMs
} from '../../../src/rendezvous/remembered/dial-back.ts'
import type { FormerPeer } from '../../../src/rendezvous/remembered/restore.ts'
import { SimulatedClock } from '../../support/clock.ts'

interface Dial {
  readonly at: string
  /** The peer id that is expected there. */
  readonly id: string
  readonly atMs: number
  readonly signal: AbortSignal
  answer(): void
  refuse(): void
}

let clock: SimulatedClock
let dials: Dial[]
let connected: Set<string>
/** How it ended for a peer, by its key. */
let over: Map<string, string>
let lines: string[]
let hasRoom: boolean
let busy: boolean

const keyOf = (name: string) =>
  Buffer.concat([Buffer.from([0x12, 32]), createHash('sha256').update(name).digest()]).toString('latin1')
/** @param from where it came from; its addresses are `at`, one port each */
const peer = (name: string, at: readonly string[], from = at[0] ?? '192.0.2.1'): FormerPeer => ({
  key: keyOf(name),
  addrs: at.map((ip) => multiaddr(`/ip4/${ip}/tcp/9000`).bytes),
  remote: multiaddr(`/ip4/${from}/tcp/5`).bytes,
  seenAtMs: 0,
  dialFailed: false
})
const idOf = ({ key }: FormerPeer) => peerIdFromMultihash(decodeMultihash(Buffer.from(key, 'latin1'))).toString()
const crowd = (count: number) => Array.from({ length: count }, (_, i) => peer(`p${i}`, [`10.0.${i >> 8}.${i & 255}`]))
const flush = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

function dialBack(peers: readonly FormerPeer[], afterMs = 0): DialBack {
  const parts: DialBackParts = {
    clock,
    logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line).msg) }),
    own: { ips: new Set(['127.0.0.1']), endpoints: [] },
    isConnected: (key) => connected.has(key),
    isBusy: () => busy,
    hasRoom: () => hasRoom,
    dial: (address: Multiaddr, signal) => {
      return new Promise((resolve, reject) => {
        const [, , at = '', , , , id = ''] = address.toString().split('/')
        const refuse = () => reject(new Error('refused'))
        signal.addEventListener('abort', refuse)
        dials.push({ at, id, atMs: clock.now(), signal, answer: () => resolve(undefined), refuse })
      })
    },
    onOver: ({ key }, how) => over.set(key, how)
  }
  const made = new DialBack(peers, parts)
  made.start(afterMs)
  return made
}

/** Time passes, and what is dialled ends as `settle` says. */
async function pass(ms: number, settle: (dial: Dial) => void): Promise<void> {
  let settled = 0
  for (let passed = 0; passed < ms; passed += 20) {
    for (const dial of dials.slice(settled)) settle(dial)
    settled = dials.length
    await flush()
    clock.advance(20)
    await flush()
  }
}

beforeEach(() => {
  clock = new SimulatedClock()
  dials = []
  connected = new Set()
  over = new Map()
  lines = []
  hasRoom = true
  busy = false
})

it('dials the newest first, everybody, and says how it went', async () => {
  const peers = crowd(3)
  const { counts } = dialBack(peers)
  expect(dials.map(({ at }) => at)).toEqual(['10.0.0.0', '10.0.0.1', '10.0.0.2'])
  for (const dial of dials.slice(0, 2)) dial.answer()
  dials[2]?.refuse()
  await flush()
  clock.advance(20)
  expect(counts).toEqual({ dialled: 2, cameBack: 0, failed: 1, undialable: 0 })
  expect(peers.map(({ key }) => over.get(key))).toEqual(['dialled', 'dialled', 'failed'])
  expect(lines).toEqual([
    'dialling back 3 peers that were connected before',
    'dial-back over after 0.0 s: connected=2 came_back=0 failed=1 undialable=0 left=0'
  ])
  expect(clock.pending).toBe(0)
})

it('says and does nothing when nobody was connected', () => {
  dialBack([])
  expect([lines, clock.pending]).toEqual([[], 0])
})

it('has so many dials under way at most, and each for so long', async () => {
  const back = dialBack(crowd(500))
  clock.advance(dialWithinMs - 20)
  expect([dials.length, back.dialling]).toEqual([maxParallelDials, maxParallelDials])
  expect(dials[0]?.signal.aborted).toBe(false)
  clock.advance(20)
  expect(dials[0]?.signal.aborted).toBe(true)
  await flush()
  clock.advance(20)
  expect(dials.length).toBeGreaterThan(maxParallelDials)
  expect(back.dialling).toBeLessThanOrEqual(maxParallelDials)
})

it('begins so many dials a second at most', async () => {
  dialBack(crowd(1_000))
  await pass(5_000, (dial) => dial.answer())
  expect(dials.length).toBeLessThanOrEqual(32 + 50 * 5)
  expect(dials.length).toBeGreaterThan(50 * 5 - 10)
})

it('ends after a minute, says on the way how far it is, and leaves who is left to the next process', async () => {
  const back = dialBack(crowd(10_000))
  await pass(dialBackWithinMs, (dial) => dial.answer())
  expect(dials.length).toBeLessThanOrEqual(32 + 50 * 60)
  expect([back.waiting, over.size, clock.pending]).toEqual([0, back.counts.dialled, 0])
  expect(lines).toHaveLength(1 + dialBackWithinMs / progressIntervalMs)
  expect(lines[1]).toMatch(/^dialling back: connected=\d+ came_back=0 failed=0 undialable=0 left=\d+$/)
  expect(lines.at(-1)).toMatch(/^dial-back over after 60\.0 s: connected=\d+ .* left=[1-9]\d+$/)
})

it('leaves those alone who came by themselves', () => {
  const peers = crowd(3)
  connected.add(peers[1]!.key)
  const { counts } = dialBack(peers)
  expect(dials.map(({ at }) => at)).toEqual(['10.0.0.0', '10.0.0.2'])
  expect(counts.cameBack).toBe(1)
})

it('tries the next address of a peer when one fails, unless it has come meanwhile', async () => {
  const [a, b] = [peer('a', ['10.0.0.1', '10.0.0.2']), peer('b', ['10.0.1.1', '10.0.1.2'])]
  const { counts } = dialBack([a, b])
  connected.add(b.key)
  for (const dial of [...dials]) dial.refuse()
  await flush()
  expect(dials.map(({ at }) => at)).toEqual(['10.0.0.1', '10.0.1.1', '10.0.0.2'])
  dials[2]?.refuse()
  await flush()
  clock.advance(20)
  expect(counts).toMatchObject({ failed: 1, cameBack: 1 })
  expect(dials).toHaveLength(3)
})

it('tries everybody once before it tries anybody at another address', async () => {
  const peers = Array.from({ length: 60 }, (_, i) => peer(`p${i}`, [`10.0.0.${i}`, `10.0.1.${i}`]))
  dialBack(peers)
  await pass(5_000, (dial) => dial.refuse())
  const first = dials.slice(0, 60).map(({ at }) => at)
  expect(first.every((at) => at.startsWith('10.0.0.'))).toBe(true)
  expect(dials).toHaveLength(120)
})

it('tries those who were not there at the last restart after everybody else', async () => {
  const failed = ['a', 'b'].map((name, i) => ({ ...peer(name, [`10.1.0.${i}`, `10.1.1.${i}`]), dialFailed: true }))
  const { counts } = dialBack([...failed, peer('c', ['10.0.0.1', '10.0.0.2'])])
  await pass(1_000, (dial) => (dial.at === '10.1.0.0' ? dial.answer() : dial.refuse()))
  expect(dials.map(({ at }) => at)).toEqual(['10.0.0.1', '10.0.0.2', '10.1.0.0', '10.1.0.1', '10.1.1.1'])
  expect(counts).toEqual({ dialled: 1, cameBack: 0, failed: 2, undialable: 0 })
  expect(clock.pending).toBe(0)
})

it('knows after a minute of those who were not there, at their first address at least', async () => {
  const peers = Array.from({ length: 1_000 }, (_, i) =>
    peer(`p${i}`, [`10.0.${i >> 8}.${i & 255}`, `10.1.0.${i & 255}`])
  )
  const back = dialBack(peers)
  await pass(dialBackWithinMs - 20, () => {})
  // it was not there, and has come meanwhile
  connected.add(peers[0]!.key)
  clock.advance(20)
  expect(over.get(peers[0]!.key)).toBe('cameBack')
  expect(back.counts).toEqual({ dialled: 0, cameBack: 1, failed: 5 * maxParallelDials - 1, undialable: 0 })
  expect([back.waiting, over.size]).toEqual([0, 5 * maxParallelDials])
  await flush()
  expect([back.waiting, back.dialling]).toEqual([0, 0])
})

it('dials an address once, whoever names it', async () => {
  dialBack(['a', 'b', 'c'].map((name) => peer(name, ['10.0.0.1'])))
  await pass(1_000, (dial) => dial.refuse())
  expect(dials).toHaveLength(1)
})

it('dials who came from an address though others that only name it were tried there, once', async () => {
  const [liar, other] = [peer('liar', ['10.0.0.1'], '10.9.9.9'), peer('other', ['10.0.0.1'], '10.9.9.8')]
  const { counts } = dialBack([liar, other, ...['client', 'twin'].map((name) => peer(name, ['10.0.0.1']))])
  await pass(1_000, (dial) => dial.refuse())
  expect(dials.map(({ id }) => id)).toEqual([liar, peer('client', [])].map(idOf))
  expect(counts).toMatchObject({ failed: 2, undialable: 2 })
})

it('dials nobody who only names an address at which one who came from it was tried', async () => {
  dialBack([peer('client', ['10.0.0.1']), peer('liar', ['10.0.0.1'], '10.9.9.9')])
  await pass(1_000, (dial) => dial.refuse())
  expect(dials).toHaveLength(1)
})

it('dials a host that many only name a few times, and one that they came from as it does others', async () => {
  const named = Array.from({ length: 50 }, (_, i) => ({
    ...peer(`n${i}`, [`10.0.0.${i}`]),
    addrs: [multiaddr(`/ip4/192.0.2.1/tcp/${1_000 + i}`).bytes]
  }))
  const back = dialBack(named)
  await pass(5_000, (dial) => dial.refuse())
  expect(dials).toHaveLength(4)
  expect(back.counts).toMatchObject({ failed: 4, undialable: 46 })
  dials = []
  dialBack(named.map((each) => ({ ...each, remote: multiaddr('/ip4/192.0.2.1/tcp/5').bytes })))
  await pass(5_000, (dial) => dial.answer())
  expect(dials).toHaveLength(50)
})

it('waits for those who come by themselves, and dials the others then', () => {
  dialBack(crowd(3), 5_000)
  clock.advance(4_999)
  expect(dials).toEqual([])
  connected.add(keyOf('p0'))
  clock.advance(1)
  expect(dials.map(({ at }) => at)).toEqual(['10.0.0.1', '10.0.0.2'])
  expect(lines[0]).toBe('dialling back 3 peers that were connected before, in 5 s')
})

it('dials nobody while others wait to be served', () => {
  busy = true
  dialBack(crowd(3))
  clock.advance(1_000)
  expect(dials).toEqual([])
  busy = false
  clock.advance(20)
  expect(dials).toHaveLength(3)
})

it('closes nobody for one that it would dial', () => {
  hasRoom = false
  const back = dialBack(crowd(3))
  expect([dials.length, back.waiting, over.size, clock.pending]).toEqual([0, 0, 0, 0])
  expect(lines.at(-1)).toContain('left=3')
})

it('leaves those to the next process for whom there is no room, unless they were tried', async () => {
  const back = dialBack([peer('a', ['10.1.0.1', '10.1.0.2']), peer('b', ['10.1.1.1'])])
  hasRoom = false
  dials[0]?.refuse()
  await flush()
  expect([...over]).toEqual([[keyOf('a'), 'failed']])
  expect(back.counts.failed).toBe(1)
})

it('does not look at thousands in one turn', () => {
  const peers = crowd(5_000)
  for (const { key } of peers) connected.add(key)
  const back = dialBack(peers)
  expect(back.waiting).toBeGreaterThan(4_900)
})

it('is over at once when the node stops, and leaves the others to the next process', async () => {
  const back = dialBack(crowd(100))
  const dialled = dials.length
  back.stop()
  expect(dials.every(({ signal }) => signal.aborted)).toBe(true)
  await flush()
  clock.advance(120_000)
  expect([dials.length, over.size, clock.pending, back.dialling]).toEqual([dialled, 0, 0, 0])
})
