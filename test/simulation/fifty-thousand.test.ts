import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { BootstrapNode } from '../../src/bootstrap-node.ts'
import { peerstoreGcIntervalMs } from '../../src/peers/peerstore-gc.ts'
import { SimulatedClock } from '../support/clock.ts'
import { testConfig } from '../support/config.ts'
import { Crowd, protocols, type SimulatedPeer } from './crowd.ts'
import { type Cost, costOf, memoryInUse } from './measure.ts'

// simulated sockets are no files
vi.mock('../../src/observe/open-files.ts', async (original) => ({
  ...(await original<typeof import('../../src/observe/open-files.ts')>()),
  openFileLimit: () => undefined
}))

const connections = 50_000
const sample = 2_000
const providers = 2_000
const key = 'a rendezvous that many provide'
/** Below it a ratio says more of the machine than of the node. */
const floorMs = 400

/**
 * Calls that look at all connections or all peers, by name. Not counted: telling all peers that this node has changed
 * (identify-push), which it has when it starts.
 */
const scans = new Map<string, number>()

function countScans(node: BootstrapNode): void {
  const { connectionManager } = node.libp2p.services
  const count = (name: string) => {
    if (!/identify-push|identify\/pusher/.test(new Error().stack ?? '')) scans.set(name, (scans.get(name) ?? 0) + 1)
  }
  const watch = <T extends object>(target: T, name: string, methods: (keyof T & string)[]) => {
    for (const method of methods) {
      const original = (target[method] as (...args: unknown[]) => unknown).bind(target)
      vi.spyOn(target as Record<string, () => unknown>, method).mockImplementation((...args: unknown[]) => {
        count(`${name}.${method}()`)
        return original(...args)
      })
    }
  }
  const getConnections = connectionManager.getConnections.bind(connectionManager)
  vi.spyOn(connectionManager, 'getConnections').mockImplementation((peer) => {
    if (peer === undefined) count('connectionManager.getConnections()')
    return getConnections(peer)
  })
  watch(connectionManager.index, 'index', ['all'])
  watch(connectionManager.getConnectionsMap(), "the library's connections", ['values', 'keys', 'entries', 'forEach'])
  watch(connectionManager, 'connectionManager', ['getConnectionsMap'])
  watch(node.libp2p, 'libp2p', ['getPeers', 'getConnections'])
  watch(node.libp2p.peerStore, 'peerStore', ['all', 'forEach'])
}

function report(what: string, { cpuMs, blockedMs }: Cost, times = 1): void {
  const each = times === 1 ? '' : `, ${((cpuMs * 1000) / times).toFixed(0)} µs each`
  console.info(`${what}: ${cpuMs.toFixed(1)} ms CPU${each}, event loop blocked ${blockedMs.toFixed(0)} ms at most`)
}

const isFlat = (atMany: Cost, atFew: Cost) => atMany.cpuMs <= Math.max(2 * atFew.cpuMs, atFew.cpuMs + floorMs)

describe.each(['lean', 'stock'])('%s stack, 50,000 connections', (stack) => {
  const clock = new SimulatedClock()
  let node: BootstrapNode
  let crowd: Crowd

  beforeAll(async () => {
    const marks = { CONN_MANAGER_LOW_WATER: '40000', CONN_MANAGER_HIGH_WATER: String(connections) }
    node = await BootstrapNode.create(testConfig({ CONNECTION_STACK: stack, ...marks }), { clock })
    crowd = new Crowd(node)
    countScans(node)
  })
  afterAll(() => {
    vi.restoreAllMocks()
    return node.close().catch(() => {})
  })

  it('nothing that happens every day looks at all of them, or costs more than at 2,000', async () => {
    scans.clear()
    const joins = async (peers: SimulatedPeer[]) => costOf(() => crowd.join(peers))
    const finds = () => costOf(async () => crowd.find(crowd.peers[0]!, key))
    const status = () => costOf(() => node.status())

    await joins(crowd.make(sample))
    const few = {
      join: await joins(crowd.make(sample)),
      leave: await costOf(() => crowd.leave(sample)),
      status: await status()
    }

    const rest = crowd.make(connections - 2 * sample)
    const before = await memoryInUse()
    report(`${rest.length} joins`, await joins(rest), rest.length)
    const bytes = (await memoryInUse()) - before
    console.info(
      `${stack}: heap and external memory of a simulated connection: ${Math.round(bytes / rest.length)} bytes`
    )

    const many = {
      join: await joins(crowd.make(sample)),
      leave: await costOf(() => crowd.leave(sample)),
      status: await status()
    }
    await crowd.join(crowd.make(sample))
    expect(node.status()).toMatchObject({ connected: connections, peerstore: connections + 1 })
    report(`${sample} joins at ${sample}`, few.join, sample)
    report(`${sample} joins at ${connections - sample}`, many.join, sample)
    report(`${sample} leaves at ${sample}`, few.leave, sample)
    report(`${sample} leaves at ${connections}`, many.leave, sample)
    report('a status line', many.status)

    // of those who stay
    const rendezvous = crowd.peers.slice(-providers)
    for (const peer of rendezvous) await crowd.provide(peer, key)
    await vi.waitUntil(() => node.libp2p.services.rendezvous.book.records === providers)
    const find = await finds()
    report(`GET_PROVIDERS of ${providers}`, find)

    expect(Object.fromEntries(scans)).toEqual({})
    for (const what of ['join', 'leave', 'status'] as const)
      expect([what, isFlat(many[what], few[what])]).toEqual([what, true])
  })

  it('trimming closes the worst without looking at the others', async () => {
    scans.clear()
    clock.advance(60_000)
    await crowd.join(crowd.make(50))
    const { connectionManager } = node.libp2p.services
    const before = connectionManager.total
    const second = await costOf(async () => {
      for (let passedMs = 0; passedMs < 1_995; passedMs += 5) {
        clock.advance(5)
        await nextTurn()
      }
    })
    const closed = before - connectionManager.total
    report(`a second of trimming, which closes ${closed}`, second, closed)
    expect(closed).toBeGreaterThan(300)
    expect(closed).toBeLessThan(500)
    expect(Object.fromEntries(scans)).toEqual({})
  })

  // the lean connection brings nobody into the peer store but DHT servers
  if (stack === 'stock')
    it('the peer store is collected in small steps', async () => {
      const { peerStore } = node.libp2p
      // trimming goes on down to low water: let it be over
      clock.advance(60_000)
      const gone = crowd.make(connections)
      const filled = await costOf(async () => {
        for (const { remotePeer, remoteAddr } of gone) {
          await peerStore.patch(remotePeer, { addresses: [{ multiaddr: remoteAddr, isCertified: false }], protocols })
        }
      })
      report(`${gone.length} peers entering the peer store`, filled, gone.length)
      scans.clear()
      const timers = clock.pending
      for (const cycle of ['first', 'second']) {
        const cost = await costOf(async () => {
          clock.advance(peerstoreGcIntervalMs)
          // it is scheduled anew when it is over
          await vi.waitUntil(() => clock.pending >= timers, { timeout: 120_000, interval: 5 })
        })
        report(`the ${cycle} cycle with ${gone.length} peers that are gone`, cost, gone.length)
        // a peer that joins meanwhile gives up after 5 s
        expect(cost.blockedMs).toBeLessThan(1_000)
      }
      expect(await peerStore.has(gone[0]!.remotePeer)).toBe(false)
      expect(Object.fromEntries(scans)).toEqual({})
    })

  it('closes with everyone connected, in the 10 s that Docker and systemd wait', async () => {
    const { connectionManager } = node.libp2p.services
    await crowd.join(crowd.make(connections - connectionManager.total))
    const startedAtMs = performance.now()
    // a step that takes longer than its share is reported, and no failure here
    const cost = await costOf(() => node.close().catch((error: Error) => console.info(error.message)))
    const tookMs = performance.now() - startedAtMs
    report(`closing with ${connections} connections, ${tookMs.toFixed(0)} ms`, cost, connections)
    expect([connectionManager.total, node.status().connected]).toEqual([0, 0])
    expect(tookMs).toBeLessThan(10_000)
  })
})
