import { type Libp2pEvents, TypedEventEmitter } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { AdmissionManager } from '../../src/admission/connection-manager.ts'
import { PrefixGuard } from '../../src/admission/prefix-limits.ts'
import { SimulatedClock } from '../support/clock.ts'
import { testConfig } from '../support/config.ts'
import { type FakeConnection, fakeConnection } from '../support/connection.ts'

const graceMs = 60_000
const attacker = '203.0.113.5'

/** A node with room for `cap`, and whoever comes to it. */
class Scene {
  readonly clock = new SimulatedClock()
  readonly manager: AdmissionManager
  readonly #events = new TypedEventEmitter<Libp2pEvents>()
  #made = 0

  constructor(cap: number, environment: Record<string, string> = {}) {
    const logger = pino({ level: 'silent' })
    const prefixes = new PrefixGuard(testConfig(environment).prefixes, this.clock, logger)
    const connectionManager = { start: async () => {}, stop: async () => {}, connectionPruner: {} }
    this.manager = new AdmissionManager(
      { connectionManager: connectionManager as unknown as ConnectionManager, events: this.#events },
      { lowWater: cap, highWater: cap, maxConnections: cap, maxPerPeer: 8, gracePeriodMs: graceMs },
      { clock: this.clock, logger, provides: () => true, prefixes }
    )
  }

  /** Undefined when it is refused. */
  async join(ip: string): Promise<FakeConnection | undefined> {
    if (!this.manager.acceptIncomingConnection()) return undefined
    const connection = fakeConnection(`peer-${this.#made++}`, ip)
    this.#events.dispatchEvent(new CustomEvent('connection:open', { detail: connection }))
    this.manager.afterUpgradeInbound()
    await Promise.resolve()
    return connection
  }

  async joins(count: number, ip: (i: number) => string): Promise<(FakeConnection | undefined)[]> {
    const all = []
    for (let i = 0; i < count; i++) all.push(await this.join(ip(i)))
    return all
  }

  ask(all: Iterable<FakeConnection | undefined>): void {
    for (const peer of all)
      if (isHere(peer)) this.manager.index.active(peer?.remotePeer.toString() ?? '', this.clock.now())
  }
}

const isHere = (peer: FakeConnection | undefined) => peer !== undefined && peer.aborted === undefined
const here = (all: readonly (FakeConnection | undefined)[]) => all.filter(isHere).length
/** Each from a /24 of its own. */
const elsewhere = (i: number) => `198.${i >> 8}.${i & 255}.7`

let scene: Scene
afterEach(() => scene.manager.stop())
const begin = async (cap: number, environment?: Record<string, string>) => {
  scene = new Scene(cap, environment)
  await scene.manager.start()
}

describe('one address against 100 providers, with a cap of 1,100', () => {
  it.each([{}, { LIMIT_CONNECTIONS_PER_ADDRESS: '5000', LIMIT_CONNECTIONS_PER_NETWORK: '10000' }])(
    'gets none of them closed however long it stays and asks: it is a crowd, not the way in (%j)',
    async (environment) => {
      await begin(1_100, environment)
      const honest = await scene.joins(100, elsewhere)
      scene.clock.advance(graceMs)
      const crowd: (FakeConnection | undefined)[] = []
      for (let second = 0; second < 900; second++) {
        scene.clock.advance(1_000)
        if (second < 120) crowd.push(...(await scene.joins(10, () => attacker)))
        else if (second % 3 === 0) crowd.push(await scene.join(attacker))
        scene.ask(honest.filter((_, i) => i % 60 === second % 60))
        scene.ask(crowd.filter((_, i) => i % 30 === second % 30))
      }
      expect(here(honest)).toBe(100)
    }
  )

  it('gets none of them closed by many connections within their grace period, and leaves room for others', async () => {
    await begin(1_100)
    const honest = await scene.joins(100, elsewhere)
    scene.clock.advance(graceMs)
    for (let second = 0; second < 30; second++) {
      await scene.joins(100, () => attacker)
      scene.clock.advance(1_000)
    }
    const late = await scene.joins(100, (i) => elsewhere(1_000 + i))
    expect([here(honest), here(late)]).toEqual([100, 100])
  })
})

describe('a data centre behind one public address, with a cap of 824', () => {
  it('has all its peers let in while there is as much room left', async () => {
    await begin(824)
    const others = await scene.joins(100, elsewhere)
    const peers = await scene.joins(350, () => attacker)
    scene.clock.advance(graceMs)
    expect([here(others), here(peers)]).toEqual([100, 350])
  })

  it('has a tenth of the cap in a node that is full', async () => {
    await begin(824)
    await scene.joins(824, elsewhere)
    scene.clock.advance(graceMs)
    expect(here(await scene.joins(200, () => attacker))).toBe(83)
  })

  it('has as many as the operator says', async () => {
    await begin(824, { LIMIT_CONNECTIONS_PER_ADDRESS: '700', LIMIT_CONNECTIONS_PER_NETWORK: '0' })
    expect(here(await scene.joins(800, () => attacker))).toBe(700)
  })
})

it("a container engine's gateway has no limit and is no crowd", async () => {
  await begin(824)
  const direct = await scene.joins(10, elsewhere)
  const behind = await scene.joins(814, () => '172.17.0.1')
  scene.clock.advance(graceMs)
  scene.ask(behind)
  await scene.joins(5, () => '172.17.0.1')
  expect([here(direct), here(behind)]).toEqual([5, 814])
})
