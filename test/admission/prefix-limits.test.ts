import { type Libp2pEvents, TypedEventEmitter } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import fc from 'fast-check'
import { pino } from 'pino'
import { beforeEach, describe, expect, it } from 'vitest'
import { AdmissionManager } from '../../src/admission/connection-manager.ts'
import { PrefixGuard } from '../../src/admission/prefix-limits.ts'
import type { PrefixLimits } from '../../src/config/index.ts'
import { parseIpNetwork } from '../../src/peers/ip-networks.ts'
import { SimulatedClock } from '../support/clock.ts'
import { type FakeConnection, fakeConnection } from '../support/connection.ts'

const graceMs = 1_000
const limits = { lowWater: 1_000, highWater: 1_000, maxConnections: 1_000, maxPerPeer: 8, gracePeriodMs: graceMs }
const prefixLimits: PrefixLimits = {
  exempt: [],
  maxPerAddress: 3,
  maxPerNetwork: 5,
  handshakes: { perAddress: 1, perNetwork: 2 }
}

let clock: SimulatedClock
let events: TypedEventEmitter<Libp2pEvents>
let warnings: string[]
let guard: PrefixGuard
let manager: AdmissionManager
let made: number

function build(changes: Partial<PrefixLimits> = {}): void {
  clock = new SimulatedClock()
  events = new TypedEventEmitter()
  warnings = []
  made = 0
  const logger = pino({}, { write: (line: string) => void warnings.push(JSON.parse(line).msg) })
  guard = new PrefixGuard({ ...prefixLimits, ...changes }, clock, logger)
  const connectionManager = { start: async () => {}, stop: async () => {}, connectionPruner: {} }
  manager = new AdmissionManager(
    { connectionManager: connectionManager as unknown as ConnectionManager, events },
    limits,
    {
      clock,
      logger,
      provides: (peer) => peer.includes('provider'),
      prefixes: guard
    }
  )
}

function join(ip: string, name = `peer-${made++}`): FakeConnection {
  const connection = fakeConnection(name, ip)
  expect(manager.acceptIncomingConnection()).toBe(true)
  events.dispatchEvent(new CustomEvent('connection:open', { detail: connection }))
  manager.afterUpgradeInbound()
  return connection
}

const joins = (count: number, ip: string) => Array.from({ length: count }, () => join(ip))
const isGone = ({ aborted }: FakeConnection) => aborted !== undefined

beforeEach(async () => {
  build()
  await manager.start()
})

describe('at the limit of its address', () => {
  it('a newcomer takes the place of the one idle for longest of the same address', () => {
    const neighbours = joins(2, '203.0.113.9')
    clock.advance(1)
    const old = joins(3, '203.0.113.1')
    clock.advance(graceMs)
    manager.index.mature(clock.now())
    manager.index.active('peer-2', clock.now())
    const newcomer = join('203.0.113.1')
    expect([neighbours, old, [newcomer]].map((all) => all.map(isGone))).toEqual([
      [false, false],
      [false, true, false],
      [false]
    ])
    expect(manager.evictions.prefix).toBe(1)
  })

  it('providers go last', () => {
    const provider = join('203.0.113.1', 'provider')
    const plain = joins(2, '203.0.113.1')
    clock.advance(graceMs)
    joins(1, '203.0.113.1')
    expect([provider, ...plain].map(isGone)).toEqual([false, true, false])
  })

  it('the newcomer goes when all others have just come, once everybody has heard of it', async () => {
    const young = joins(3, '203.0.113.1')
    const seen: string[] = []
    events.addEventListener('connection:open', () => void seen.push('open'))
    const newcomer = fakeConnection('newcomer', '203.0.113.1', { abort: () => void seen.push('abort') })
    manager.acceptIncomingConnection()
    events.dispatchEvent(new CustomEvent('connection:open', { detail: newcomer }))
    manager.afterUpgradeInbound()
    expect([manager.total, manager.refusals.prefixFull, seen]).toEqual([3, 1, ['open']])
    await Promise.resolve()
    expect(seen).toEqual(['open', 'abort'])
    expect(young.some(isGone)).toBe(false)
  })

  it('who only opens sockets gets nobody closed', () => {
    const here = joins(3, '203.0.113.1')
    clock.advance(graceMs)
    for (let i = 0; i < 10; i++) manager.acceptIncomingConnection()
    expect(here.some(isGone)).toBe(false)
  })

  it('says so once, and what to do', () => {
    joins(3, '203.0.113.1')
    clock.advance(graceMs)
    joins(3, '203.0.113.1')
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('LIMIT_EXEMPT_NETWORKS')
  })

  it('hides no other limit that binds, and is told again after 10 min', () => {
    const told = () => warnings.splice(0).map((line) => /\((\w+)\)/.exec(line)?.[1])
    joins(4, '203.0.113.1')
    for (let i = 0; i < 30; i++) manager.mayBegin(manager.originOf('203.0.113.1'))
    joins(3, '203.0.113.2')
    joins(4, '198.51.100.1')
    expect(told()).toEqual(['addressConnections', 'addressRate', 'networkConnections'])
    clock.advance(600_000)
    joins(4, '192.0.2.1')
    expect(told()).toEqual(['addressConnections'])
  })
})

describe('at the limit of its network', () => {
  it('a newcomer takes the place of the worst of the network', () => {
    const others = joins(1, '203.0.114.1')
    const old = [...joins(3, '203.0.113.1'), ...joins(2, '203.0.113.2')]
    clock.advance(graceMs)
    const newcomer = join('203.0.113.3')
    expect([others, old, [newcomer]].map((all) => all.filter(isGone).length)).toEqual([0, 1, 0])
  })

  it('counts /64 and /48 of IPv6, and IPv4 within IPv6 as IPv4', () => {
    const old = [...joins(3, '2001:db8:0:1::1'), ...joins(2, '2001:db8:0:2::1')]
    const mapped = [...joins(3, '203.0.113.1')]
    clock.advance(graceMs)
    joins(1, '2001:db8:0:3::1')
    joins(1, '::ffff:203.0.113.1')
    expect([old.filter(isGone).length, mapped.filter(isGone).length]).toEqual([1, 1])
  })
})

describe('an exempt network', () => {
  beforeEach(() => {
    build({ exempt: ['198.51.100.0/24', '203.0.113.9'].flatMap((text) => parseIpNetwork(text) ?? []) })
    return manager.start()
  })

  it('has no limits', () => {
    const many = joins(50, '198.51.100.1')
    clock.advance(graceMs)
    many.push(...joins(50, '198.51.100.1'))
    for (let i = 0; i < 1_000; i++) expect(manager.mayBegin(manager.originOf('198.51.100.1'))).toBe(true)
    expect([many.some(isGone), guard.counted, manager.index.addresses]).toEqual([false, 0, 0])
  })

  it('does not count for the network around it, and pays for nobody there', () => {
    const exempt = joins(20, '203.0.113.9')
    clock.advance(1)
    const limited = [...joins(3, '203.0.113.1'), ...joins(2, '203.0.113.2')]
    clock.advance(graceMs)
    joins(1, '203.0.113.1')
    expect([exempt.some(isGone), limited.filter(isGone).length]).toEqual([false, 1])
    joins(1, '203.0.113.3')
    expect([exempt.some(isGone), manager.refusals.prefixFull]).toEqual([false, 1])
  })
})

describe('handshakes of a prefix', () => {
  it('above its rate wait, and are counted by reason', () => {
    const begun = (ip: string, times: number) =>
      Array.from({ length: times }, () => manager.mayBegin(manager.originOf(ip))).filter(Boolean).length
    expect([begun('203.0.113.1', 30), begun('203.0.113.2', 30), begun('203.0.113.3', 30)]).toEqual([20, 20, 0])
    expect(guard.waits).toEqual({ addressRate: 20, networkRate: 30 })
    clock.advance(1_000)
    expect(begun('203.0.113.1', 30)).toBe(1)
  })
})

it('0 is no limit', async () => {
  build({ maxPerAddress: 0, maxPerNetwork: 0, handshakes: { perAddress: 0, perNetwork: 0 } })
  await manager.start()
  const many = joins(50, '203.0.113.1')
  clock.advance(graceMs)
  many.push(...joins(50, '203.0.113.1'))
  expect(many.some(isGone)).toBe(false)
})

it('no address and no network ever has more than its limit, and nobody of another pays', async () => {
  const ips = ['203.0.113.1', '203.0.113.2', '203.0.113.3', '198.51.100.1', '2001:db8::1']
  const step = fc.record({
    ip: fc.constantFrom(...ips),
    waitMs: fc.integer({ min: 0, max: 600 }),
    leaves: fc.boolean()
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      build()
      await manager.start()
      const open: { connection: FakeConnection; ip: string }[] = []
      for (const { ip, waitMs, leaves } of steps) {
        clock.advance(waitMs)
        const leaver = leaves ? open.shift() : undefined
        if (leaver !== undefined)
          events.dispatchEvent(new CustomEvent('connection:close', { detail: leaver.connection }))
        open.push({ connection: join(ip), ip })
        await Promise.resolve()
        const network = (of: string) => of.slice(0, of.lastIndexOf('.'))
        for (const gone of open.filter(({ connection }) => isGone(connection)))
          expect(network(gone.ip)).toBe(network(ip))
        open.splice(0, open.length, ...open.filter(({ connection }) => !isGone(connection)))
        const of = (same: (other: string) => boolean) => open.filter(({ ip: other }) => same(other)).length
        expect(of((other) => other === ip)).toBeLessThanOrEqual(3)
        expect(of((other) => network(other) === network(ip))).toBeLessThanOrEqual(5)
        expect(manager.index.connections).toBe(open.length)
      }
      for (const { connection } of open)
        events.dispatchEvent(new CustomEvent('connection:close', { detail: connection }))
      expect([manager.index.addresses, manager.index.prefixes]).toEqual([0, 0])
      await manager.stop()
    })
  )
})
