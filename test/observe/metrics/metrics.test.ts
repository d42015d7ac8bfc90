import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Libp2p } from '@libp2p/interface'
import * as fc from 'fast-check'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BootstrapNode } from '../../../src/bootstrap-node.ts'
import { startAdminServer } from '../../../src/observe/admin/server.ts'
import type { LinesLeftOut } from '../../../src/observe/logger.ts'
import { Metrics, metricsRoute } from '../../../src/observe/metrics/metrics.ts'
import { encodeAnswer, encodePeer, encodePeers } from '../../../src/rendezvous/encode.ts'
import { MessageType } from '../../../src/rendezvous/wire.ts'
import { testConfig } from '../../support/config.ts'
import { libp2pClient } from '../../support/libp2p-client.ts'
import { onStock } from '../../support/stack.ts'

const opened: Array<() => unknown> = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

let linesLeftOut: LinesLeftOut
let metrics: Metrics
beforeEach(() => {
  linesLeftOut = { flood: 0, stdout: 0, file: 0 }
  const stack = onStock ? 'stock' : 'lean'
  metrics = new Metrics({
    version: '1.2.3',
    stack,
    linesLeftOut: () => linesLeftOut,
    rpcTypes: MessageType
  })
  opened.push(() => metrics.stop())
})

/** A node as commands.ts runs it, with a store, on loopback. */
async function running(environment: Record<string, string> = {}): Promise<BootstrapNode> {
  const dataDir = mkdtempSync(join(tmpdir(), 'metrics-'))
  opened.push(() => rmSync(dataDir, { recursive: true }))
  const node = await BootstrapNode.create(testConfig({ DATA_DIR: dataDir, ...environment }), {
    timings: metrics.timings
  })
  opened.push(() => node.close())
  metrics.watch(node.readings())
  return node
}

async function client(): Promise<Libp2p> {
  const peer = await libp2pClient()
  opened.push(() => peer.stop())
  return peer
}

/** The value of a sample by its name and labels, as a scraper reads it; undefined: there is none. */
async function value(sample: string): Promise<number | undefined> {
  const line = (await metrics.registry.metrics()).split('\n').find((text) => text.startsWith(`${sample} `))
  return line === undefined ? undefined : Number(line.slice(sample.length + 1))
}

describe('the metrics of a running node', () => {
  it('follow a peer that comes, asks, provides and leaves', async () => {
    const node = await running()
    const security = 'security="noise",muxer="yamux"'
    const open = `bootstrap_connections{direction="inbound",${security}}`
    expect(await value('bootstrap_connected_peers')).toBe(0)

    const peer = await client()
    const connection = await peer.dial(node.libp2p.getMultiaddrs())
    await expect.poll(() => value(open)).toBe(1)
    const kad = await connection.newStream('/ipfs/kad/1.0.0')
    const key = new Uint8Array(Buffer.from('a rendezvous'))
    const id = peer.peerId.toMultihash().bytes
    const addrs = peer.getMultiaddrs().map(({ bytes }) => bytes)
    const providerPeers = encodePeers('provider', [{ encoded: encodePeer(id, addrs), connections: 0 }])
    kad.send(encodeAnswer({ type: MessageType.ADD_PROVIDER, clusterLevel: 0, key, providerPeers }))
    kad.send(encodeAnswer({ type: MessageType.GET_PROVIDERS, clusterLevel: 0, key }))

    await expect.poll(() => value('bootstrap_rpc_seconds_count{type="GET_PROVIDERS",result="ok"}')).toBe(1)
    expect(await value('bootstrap_rpc_seconds_count{type="ADD_PROVIDER",result="ok"}')).toBe(1)
    expect(await value('bootstrap_provider_records')).toBe(1)
    expect(await value('bootstrap_connections_opened_total{direction="inbound"}')).toBe(1)
    if (!onStock) expect(await value('bootstrap_handshake_seconds_count{security="noise"}')).toBe(1)

    await connection.close()
    await expect.poll(() => value(open)).toBe(0)
    const reason = onStock ? 'unknown' : 'peer-left'
    expect(await value(`bootstrap_connections_closed_total{reason="${reason}"}`)).toBe(1)
    expect(await value('bootstrap_connections_opened_total{direction="inbound"}')).toBe(1)
    expect(await value('bootstrap_provider_records')).toBe(1)
  })

  it('count a dialled connection, whose end nobody explains', async () => {
    const node = await running()
    const peer = await client()
    const connection = await node.libp2p.dial(peer.getMultiaddrs())
    expect(await value('bootstrap_connections{direction="outbound",security="noise",muxer="yamux"}')).toBe(1)
    await connection.close()
    await expect.poll(() => value('bootstrap_connections_closed_total{reason="unknown"}')).toBe(1)
  })

  it.skipIf(onStock)('count a handshake that fails, by its reason', async () => {
    const node = await running()
    const port = Number(node.libp2p.getMultiaddrs()[0]!.getComponents()[1]!.value)
    const socket = connect(port, '127.0.0.1')
    // a line of 120 bytes, by its first, that has no end
    socket.write('x'.repeat(121))
    await once(socket, 'close')
    const failures = 'bootstrap_handshake_failures_total{reason="not-a-line"}'
    await expect.poll(() => value(failures)).toBe(1)
    expect(await value('bootstrap_handshakes_pending')).toBe(0)
  })

  it('say what limits the configuration sets', async () => {
    await running({ CONN_MANAGER_LOW_WATER: '300', CONN_MANAGER_HIGH_WATER: '400' })
    const limits = ['low_water', 'high_water', 'cap'].map((mark) =>
      value(`bootstrap_connections_limit{mark="${mark}"}`)
    )
    expect(await Promise.all(limits)).toEqual([300, 400, 500])
  })

  it('say whether the state is saved, if there is one', async () => {
    const node = await running()
    expect(await value('bootstrap_state_ok')).toBe(1)
    const problem = { reason: 'no space left on device', forMs: 1 }
    metrics.watch({ ...node.readings(), state: () => ({ problem, pending: 7, setAside: [] }) })
    expect([await value('bootstrap_state_ok'), await value('bootstrap_state_pending_changes')]).toEqual([0, 7])
    const other = await BootstrapNode.create(testConfig())
    opened.push(() => other.close())
    metrics.watch(other.readings())
    expect(await value('bootstrap_state_ok')).toBeUndefined()
  })

  it.skipIf(onStock)('count who waits because an address has used up its rate of handshakes', async () => {
    const node = await running({ LIMIT_EXEMPT_NETWORKS: 'none', LIMIT_HANDSHAKES_PER_ADDRESS: '1' })
    expect(await value('bootstrap_handshake_waits_total{reason="address-rate"}')).toBe(0)
    const port = Number(node.libp2p.getMultiaddrs()[0]!.getComponents()[1]!.value)
    // more than those of 20 s, which may come at once
    for (let i = 0; i < 30; i++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      opened.push(() => void socket.destroy())
    }
    await expect.poll(() => value('bootstrap_handshake_waits_total{reason="address-rate"}')).toBeGreaterThan(0)
    expect(await value('bootstrap_handshake_waits_total{reason="network-rate"}')).toBe(0)
  })

  it('are those that docs/metrics.md lists, of the same types and labels', async () => {
    await running()
    const exposed = (await metrics.registry.getMetricsAsJSON()).map(({ name, type }) => `${name} ${type}`)
    const rows = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')
      .split('\n')
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .filter(([, name]) => name?.startsWith('`'))
    const listed = rows.map(([, name, type]) => `${name!.replaceAll('`', '')} ${type}`)
    expect(listed.toSorted()).toEqual(exposed.toSorted())

    const labelsListed = new Map(
      rows.map(([, name, , labels]) => [name!.replaceAll('`', ''), [...labels!.matchAll(/`(\w+)`/g)].map(([, l]) => l)])
    )
    for (const line of (await metrics.registry.metrics()).split('\n')) {
      const [, sample, labels] = /^(\w+)\{(.+)\} /.exec(line) ?? []
      if (sample === undefined) continue
      const name = labelsListed.has(sample) ? sample : sample.replace(/_(bucket|sum|count)$/, '')
      const names = [...labels!.matchAll(/(\w+)="/g)].map(([, label]) => label).filter((label) => label !== 'le')
      expect(names.toSorted(), sample).toEqual(labelsListed.get(name)?.toSorted())
    }
  })
})

describe('the metrics', () => {
  it('of a process without a node are those of the process', async () => {
    expect(await value('bootstrap_connected_peers')).toBeUndefined()
    expect(await value('bootstrap_provider_records')).toBeUndefined()
    expect(await value('process_resident_memory_bytes')).toBeGreaterThan(1e6)
    const build = `version="1.2.3",node="${process.version}",stack="${onStock ? 'stock' : 'lean'}"`
    expect(await value(`bootstrap_build_info{${build}}`)).toBe(1)
  })

  it('tell log lines that were too many from those that nobody took', async () => {
    const name = 'bootstrap_log_lines_left_out_total'
    const counted = async () => ({
      flood: await value(`${name}{reason="flood"}`),
      stdout: await value(`${name}{reason="stdout"}`),
      file: await value(`${name}{reason="file"}`)
    })
    expect(await counted()).toEqual(linesLeftOut)
    for (linesLeftOut of [
      { flood: 7, stdout: 0, file: 1 },
      { flood: 9, stdout: 2, file: 1 }
    ]) {
      expect(await counted()).toEqual(linesLeftOut)
    }
  })

  it('have no more series whatever peers send', async () => {
    const lines = async () =>
      (await metrics.registry.metrics()).split('\n').filter((line) => /^bootstrap_/.test(line)).length
    const before = await lines()
    const anyType = fc.option(fc.oneof(fc.integer(), fc.double()), { nil: undefined })
    const report = fc.tuple(anyType, fc.constantFrom('ok' as const, 'refused' as const, 'error' as const), fc.string())
    fc.assert(
      fc.property(report, ([type, result, security]) => {
        metrics.timings.rpc(type, result, 1)
        metrics.timings.handshake(security, 1)
      })
    )
    expect(await lines()).toBe(before)
  })

  it('list no handle and no file of the process', async () => {
    const text = await metrics.registry.metrics()
    expect(text).not.toMatch(/nodejs_active_/)
    expect(text.match(/^# TYPE process_open_fds /gm)).toHaveLength(1)
  })

  it('are served as Prometheus asks for them', async () => {
    const logger = pino({ level: 'silent' })
    const routes = new Map([metricsRoute(metrics)])
    const server = await startAdminServer({ host: '127.0.0.1', port: 0, logger, routes })
    opened.push(() => server.close())
    const response = await fetch(`http://${server.address}/metrics`)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await response.text()).toMatch(/^# HELP bootstrap_build_info /m)
    expect((await fetch(`http://${server.address}/metrics`, { method: 'POST' })).status).toBe(405)
  })
})
