import { type Connection, type IdentifyResult, type Libp2pEvents, TypedEventEmitter } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { pino } from 'pino'
import { beforeEach, describe, expect, it } from 'vitest'
import { type AdmissionLimits, AdmissionManager } from '../../src/admission/connection-manager.ts'
import { maxStrangers, maxTlsStrangers, tlsStrangerForMs } from '../../src/admission/strangers.ts'
import { SimulatedClock } from '../support/clock.ts'
import { type FakeConnection, fakeConnection } from '../support/connection.ts'

const limits: AdmissionLimits = {
  lowWater: 4,
  highWater: 6,
  maxConnections: 8,
  maxPerPeer: 2,
  gracePeriodMs: 1000
}

let clock: SimulatedClock
let events: TypedEventEmitter<Libp2pEvents>
let providers: Set<string>
let warnings: string[]
let manager: AdmissionManager
let stopped: string[]
let dial: () => Promise<Connection>
let build: (changes?: Partial<AdmissionLimits>) => Promise<void>

const upgrade = {} as Parameters<ConnectionManager['acceptIncomingConnection']>[0]

/** A whole admission: the socket, the handshake, the open connection. */
function join(connection: FakeConnection): boolean {
  if (!manager.acceptIncomingConnection(upgrade)) return false
  events.dispatchEvent(new CustomEvent('connection:open', { detail: connection }))
  manager.afterUpgradeInbound()
  return true
}

/** Clients, which say who they are. */
function crowd(count: number, from = 0): FakeConnection[] {
  return Array.from({ length: count }, (_, i) => {
    const client = newcomer(from + i)
    identify(client)
    return client
  })
}

function newcomer(i: number, encryption = '/noise'): FakeConnection {
  const peer = fakeConnection(`peer-${i}`, `203.${i >> 8}.${i & 255}.1`, { encryption })
  join(peer)
  return peer
}

function identify({ remotePeer: peerId }: FakeConnection): void {
  events.dispatchEvent(new CustomEvent('peer:identify', { detail: { peerId } as IdentifyResult }))
}

const gone = (peers: FakeConnection[]) =>
  peers.filter(({ aborted }) => aborted !== undefined).map(({ remotePeer }) => String(remotePeer))

beforeEach(async () => {
  clock = new SimulatedClock()
  events = new TypedEventEmitter()
  providers = new Set()
  warnings = []
  stopped = []
  dial = () => expect.fail('no dial')
  const inner = {
    start: async () => {},
    stop: async () => {},
    openConnection: () => dial(),
    connectionPruner: { start: () => {}, stop: () => void stopped.push('pruner') },
    reconnectQueue: { start: () => {}, stop: () => void stopped.push('queue') }
  }
  const logger = pino({}, { write: (line: string) => void warnings.push(JSON.parse(line).msg) })
  build = async (changes = {}) => {
    const parts = { clock, logger, provides: (peer: string) => providers.has(peer) }
    const components = { connectionManager: inner as unknown as ConnectionManager, events }
    manager = new AdmissionManager(components, { ...limits, ...changes }, parts)
    await manager.start()
  }
})

describe('the cap', () => {
  beforeEach(() => build({ lowWater: 8, highWater: 8 }))

  it('counts pending connections', () => {
    for (let i = 0; i < 8; i++) expect(manager.acceptIncomingConnection(upgrade)).toBe(true)
    expect(manager.acceptIncomingConnection(upgrade)).toBe(false)
    expect(manager.total).toBe(8)
    manager.afterUpgradeInbound()
    expect(manager.acceptIncomingConnection(upgrade)).toBe(true)
  })

  it('counts each connection once, however its handshake ends', () => {
    crowd(3)
    expect(manager.total).toBe(3)
    manager.acceptIncomingConnection(upgrade)
    manager.afterUpgradeInbound()
    expect(manager.total).toBe(3)
    events.dispatchEvent(
      new CustomEvent('connection:open', { detail: fakeConnection('out', '203.0.9.1', { direction: 'outbound' }) })
    )
    expect(manager.total).toBe(4)
  })

  it('a newcomer is let in and the worst is closed for it', () => {
    const peers = crowd(8)
    clock.advance(1000)
    manager.index.mature(clock.now())
    manager.index.active('peer-0', clock.now())
    expect(join(fakeConnection('newcomer', '198.51.100.1'))).toBe(true)
    expect(gone(peers)).toContain('peer-1')
    expect(gone(peers)).not.toContain('peer-0')
    expect(manager.total).toBeLessThanOrEqual(8)
    expect(manager.evictions.cap + manager.evictions.trim).toBe(gone(peers).length)
  })

  it('a newcomer is refused when everyone has just come, and it is counted', () => {
    crowd(8)
    expect(join(fakeConnection('newcomer'))).toBe(false)
    expect(manager.refusals).toMatchObject({ nobodyToClose: 1, tooManyHandshakes: 0 })
  })

  it('who only opens sockets gets nobody closed', () => {
    const peers = crowd(6)
    clock.advance(999)
    manager.acceptIncomingConnection(upgrade)
    manager.acceptIncomingConnection(upgrade)
    clock.advance(1)
    const before = gone(peers).length
    for (let i = 0; i < 5; i++) manager.acceptIncomingConnection(upgrade)
    expect(gone(peers).length - before).toBeLessThanOrEqual(2)
  })

  it('who only opens sockets in one network gets no more closed than a hundredth, however long it goes on', async () => {
    const cap = 3_000
    await manager.stop()
    await build({ lowWater: cap, highWater: cap, maxConnections: cap })
    let here = crowd(cap)
    clock.advance(1_000)
    const from = { address: '198.51.100.1', network: '198.51.100.0/24', exempt: false }
    const knock = (handshakes: number) => manager.mayWait(from, handshakes) && manager.acceptIncomingConnection(upgrade)
    for (let round = 0; round < 20; round++) {
      let open = 0
      for (let i = 0; i < 1_000; i++) if (knock(open)) open++
      expect(here.filter(({ aborted }) => aborted !== undefined).length).toBeLessThanOrEqual(cap / 100)
      for (; open > 0; open--) manager.afterUpgradeInbound()
      here = here.filter(({ aborted }) => aborted === undefined)
      here.push(...crowd(cap - here.length, cap * (round + 1)))
      clock.advance(1_000)
    }
    expect(manager.refusals.tooManyHandshakes).toBe(20 * (1_000 - cap / 100))
    expect(manager.mayWait({ ...from, exempt: true }, 1_000)).toBe(true)
  })

  it('holds for dials, with an error that says what to do', async () => {
    crowd(8)
    await expect(manager.openConnection([])).rejects.toMatchObject({
      code: 'ERR_CONNECTION_LIMIT',
      facts: { limit: 8 }
    })
  })

  it('a dial counts while it lasts', async () => {
    let fail = (_error: Error) => {}
    dial = () =>
      new Promise((_resolve, reject) => {
        fail = reject
      })
    const dialing = manager.openConnection([])
    expect(manager.total).toBe(1)
    fail(new Error('refused'))
    await expect(dialing).rejects.toThrow('refused')
    expect(manager.total).toBe(0)
  })

  it('never exceeds it under any burst of joins, leaves and waits', () => {
    for (let round = 0; round < 200; round++) {
      const peers = crowd(5, round * 5)
      expect(manager.total).toBeLessThanOrEqual(8)
      if (round % 3 === 0) clock.advance(700)
      if (round % 2 === 0) events.dispatchEvent(new CustomEvent('connection:close', { detail: peers[0]! }))
    }
  })
})

describe('strangers', () => {
  const cap = 2 * maxStrangers
  beforeEach(() => build({ lowWater: cap, highWater: cap, maxConnections: cap }))

  it('who came first without a word is closed for one too many, within its grace period too', () => {
    const strangers = Array.from({ length: maxStrangers }, (_, i) => newcomer(i))
    expect(gone(strangers)).toEqual([])
    const more = Array.from({ length: 3 }, (_, i) => newcomer(maxStrangers + i))
    expect(gone([...strangers, ...more])).toEqual(['peer-0', 'peer-1', 'peer-2'])
    expect(manager.evictions).toMatchObject({ stranger: 3, cap: 0, trim: 0 })
    expect([manager.index.strangers.size, manager.total]).toEqual([maxStrangers, maxStrangers])
  })

  it('who has said who it is, has asked for something or is protected is none', () => {
    const [identified, asking, protectedOne, silent] = [0, 1, 2, 3].map((i) => newcomer(i))
    if (identified !== undefined) identify(identified)
    manager.index.active('peer-1', clock.now())
    manager.index.protect('peer-2', 'federation')
    const strangers = Array.from({ length: maxStrangers }, (_, i) => newcomer(10 + i))
    expect(gone([identified, asking, protectedOne, silent, ...strangers].filter((peer) => peer !== undefined))).toEqual(
      ['peer-3']
    )
  })

  it('clients are any number', () => {
    const clients = crowd(cap)
    expect([manager.index.strangers.size, gone(clients)]).toEqual([0, []])
  })

  it('a peer that leaves takes its place among them along, and is a stranger when it comes again', () => {
    const peer = newcomer(0)
    events.dispatchEvent(new CustomEvent('connection:close', { detail: peer }))
    expect(manager.index.strangers.size).toBe(0)
    identify(peer)
    newcomer(0)
    expect(manager.index.strangers.size).toBe(1)
  })

  it('those who have TLS and say nothing for 5 s make room when it is asked for, one each time', () => {
    const from = { address: '198.51.100.1', network: '198.51.100.0/24', exempt: false }
    const strangers = Array.from({ length: maxTlsStrangers }, (_, i) => newcomer(i, '/tls/1.0.0'))
    clock.advance(tlsStrangerForMs - 1)
    expect([manager.mayUseTls(from), gone(strangers)]).toEqual([false, []])
    clock.advance(1)
    expect([manager.mayUseTls(from), gone(strangers)]).toEqual([true, ['peer-0']])
    manager.afterTls(from)
    newcomer(maxTlsStrangers, '/tls/1.0.0')
    expect([manager.mayUseTls(from), gone(strangers)]).toEqual([true, ['peer-0', 'peer-1']])
    expect([manager.tlsDeclined, manager.evictions.stranger]).toEqual([1, 2])
  })

  it('further connections of a peer that is known are none', () => {
    identify(newcomer(0))
    newcomer(0)
    expect(manager.index.strangers.size).toBe(0)
  })
})

describe('trimming', () => {
  beforeEach(() => build())

  it('above high water closes down to low water, a few a second, never the young', () => {
    const old = crowd(7)
    clock.advance(999)
    expect(gone(old)).toEqual([])
    clock.advance(1001)
    const young = crowd(1, 7)
    clock.advance(10_000)
    expect(manager.total).toBe(4)
    expect(gone(young)).toEqual([])
    expect(manager.evictions.trim).toBe(4)
  })

  it('closes a few at once, so that nobody waits for it', async () => {
    await manager.stop()
    await build({ lowWater: 10, highWater: 3_010, maxConnections: 4_000 })
    crowd(3_020)
    clock.advance(1_000)
    const closed = [manager.evictions.trim]
    for (let i = 0; i < 3; i++) {
      clock.advance(6)
      closed.push(manager.evictions.trim)
    }
    expect(closed).toEqual([16, 32, 48, 64])
    await manager.stop()
    expect(clock.pending).toBe(0)
  })

  it('stops at low water also when others leave meanwhile', async () => {
    await manager.stop()
    await build({ lowWater: 2_900, highWater: 3_000, maxConnections: 4_000 })
    const peers = crowd(3_600)
    clock.advance(1_000)
    expect(manager.evictions.trim).toBe(16)
    const staying = peers.filter(({ aborted }) => aborted === undefined)
    for (const peer of staying.slice(0, -2_900))
      events.dispatchEvent(new CustomEvent('connection:close', { detail: peer }))
    clock.advance(900)
    expect([manager.evictions.trim, manager.total]).toEqual([16, 2_900])
  })

  it('leaves at high water whoever is there', () => {
    const peers = crowd(6)
    clock.advance(60_000)
    expect(gone(peers)).toEqual([])
  })

  it('asks who was active last also of what happened long before anybody had to go', () => {
    const peers = crowd(6)
    clock.advance(5_000)
    for (const peer of ['peer-0', 'peer-1', 'peer-2']) manager.index.active(peer, clock.now())
    peers.push(...crowd(1, 6))
    clock.advance(3_000)
    expect(gone(peers)).toEqual(['peer-3', 'peer-4', 'peer-5'])
  })

  it('spares providers and the protected', () => {
    providers.add('peer-0')
    const peers = crowd(8)
    manager.index.protect('peer-1', 'relay reservation')
    clock.advance(60_000)
    expect(gone(peers)).not.toContain('peer-0')
    expect(gone(peers)).not.toContain('peer-1')
    expect(manager.total).toBe(4)
  })
})

describe('several connections of one peer', () => {
  beforeEach(() => build())

  it('above the limit the oldest idle one goes, not the busy, not the new', () => {
    const busy = fakeConnection('a', '203.0.0.1', { streams: [{}] as unknown as Connection['streams'] })
    const idle = fakeConnection('a', '203.0.0.1')
    const fresh = fakeConnection('a', '203.0.0.1')
    for (const connection of [busy, idle, fresh]) join(connection)
    expect([busy, idle, fresh].map(({ aborted }) => aborted !== undefined)).toEqual([false, true, false])
    expect(manager.evictions.duplicate).toBe(1)
  })
})

describe('while something is short', () => {
  it('those above the ceiling go, worst first, and at it a newcomer takes the place of the worst', async () => {
    await build({ lowWater: 100, highWater: 100, maxConnections: 200 })
    const peers = crowd(60)
    clock.advance(1000)
    manager.index.mature(clock.now())
    manager.index.active('peer-0', clock.now())
    manager.relieve({ ceiling: 40, refusing: false })
    clock.advance(60_000)
    expect(gone(peers)).toHaveLength(20)
    expect(gone(peers)).not.toContain('peer-0')
    expect(manager.evictions).toMatchObject({ pressure: 20, trim: 0, cap: 0 })
    expect(join(fakeConnection('newcomer', '198.51.100.1'))).toBe(true)
    expect(manager.total).toBe(40)
    expect(manager.evictions.cap).toBe(1)
  })

  it('nobody is let in when it is critical, and that is counted', async () => {
    await build()
    crowd(2)
    manager.relieve({ ceiling: 8, refusing: true })
    expect(join(fakeConnection('newcomer'))).toBe(false)
    expect(manager.refusals.pressure).toBe(1)
    manager.relieve({ ceiling: Number.POSITIVE_INFINITY, refusing: false })
    expect(join(fakeConnection('newcomer'))).toBe(true)
  })
})

it('says once that a gateway hides the peers', () => {
  const big = new AdmissionManager(
    { connectionManager: {} as ConnectionManager, events },
    { ...limits, maxConnections: 40, lowWater: 30, highWater: 40 },
    {
      clock,
      logger: pino({}, { write: (line: string) => void warnings.push(JSON.parse(line).msg) }),
      provides: () => false
    }
  )
  for (let i = 0; i < 40; i++) big.index.open(fakeConnection(`p${i}`, '172.17.0.1'), false, 0)
  clock.advance(2000)
  for (let i = 0; i < 3; i++) expect(big.acceptIncomingConnection(upgrade)).toBe(true)
  expect(warnings.filter((line) => line.includes('gateway'))).toHaveLength(1)
})

it("stops the library's own pruner, and leaves nothing when it stops", async () => {
  await build()
  expect(stopped).toEqual(['pruner', 'queue'])
  await manager.stop()
  expect(clock.pending).toBe(0)
})
