import { setTimeout as sleep } from 'node:timers/promises'
import type { Measured } from './figures.ts'
import { type Facts, numberOf } from './load.ts'
import { measureMemory } from './node.ts'
import { residentKB, type Server, type ServerSettings } from './variants.ts'

/** A fresh server, and the load generator aimed at it. */
export interface Bench {
  readonly server: Server
  readonly isOurs: boolean
  load(
    command: string,
    flags: Readonly<Record<string, string | number | boolean>>,
    onProgress?: (line: string) => void
  ): Promise<Facts>
}

/** How much of it: a full run, or a few peers for seconds. */
export interface Size {
  peers(count: number): number
  seconds(count: number): number
}

export const fullSize: Size = { peers: (count) => count, seconds: (count) => count }
export const quickSize: Size = { peers: (count) => Math.min(count, 40), seconds: () => 1 }

export interface Scenario {
  readonly group: string
  readonly name: string
  readonly settings?: ServerSettings
  /** Differs from the one before in the number of peers only: a quick run leaves it out. */
  readonly isRepetition?: boolean
  run(bench: Bench, size: Size): Promise<Measured>
}

/** Before the RSS of an empty node is read. */
const EMPTY_S = 5
/** 100,000 records: the first 10,000 of a process are several times as dear, since V8 has yet to compile what they run through. */
const EVERY_PROVIDER_KEYS = 200

export const scenarios: readonly Scenario[] = [
  { group: 'empty', name: 'start-up', run: startUp },
  { group: 'joins', name: 'joins over TLS', run: (bench, size) => joins(bench, size, 'Tls', 'tls') },
  { group: 'joins', name: 'joins over Noise', run: (bench, size) => joins(bench, size, 'Noise', 'noise') },
  ...[
    { peers: 500, suffix: 'Tls', sec: 'tls' },
    { peers: 2_000, suffix: 'Tls', sec: 'tls' },
    { peers: 5_000, suffix: 'Tls', sec: 'tls' },
    { peers: 5_000, suffix: 'Noise', sec: 'noise' }
  ].map(({ peers, suffix, sec }) => ({
    group: 'memory',
    name: `${peers} connections over ${suffix === 'Tls' ? 'TLS' : 'Noise'}`,
    settings: { hasProbe: true },
    isRepetition: peers > 500,
    run: (bench: Bench, size: Size) => memory(bench, size, peers, suffix, sec)
  })),
  { group: 'idle', name: 'idle connections over TLS', run: (bench, size) => idle(bench, size, 'Tls', 'tls') },
  { group: 'idle', name: 'idle connections over Noise', run: (bench, size) => idle(bench, size, 'Noise', 'noise') },
  { group: 'rpc', name: 'GET_PROVIDERS, 27 providers', run: (bench, size) => getProviders(bench, size, 'get27', 6) },
  { group: 'rpc', name: 'GET_PROVIDERS, 160 providers', run: (bench, size) => getProviders(bench, size, 'get160', 1) },
  { group: 'rpc', name: 'GET_PROVIDERS at 320/s', run: latency },
  { group: 'rpc', name: 'ADD_PROVIDER', run: addProvider },
  { group: 'rpc', name: 'FIND_NODE', run: findNode },
  { group: 'burst', name: 'burst', run: burst },
  // 100 above high water is the hard limit of both
  { group: 'cap', name: 'cap', settings: { lowWater: 100, highWater: 200, graceSeconds: 2 }, run: cap },
  { group: 'scale', name: '10,000 joins', run: (bench, size) => scale(bench, size, 'scale10', 10_000) },
  {
    group: 'scale',
    name: '15,000 joins',
    isRepetition: true,
    run: (bench, size) => scale(bench, size, 'scale15', 15_000)
  }
]

export const groups: readonly string[] = [...new Set(scenarios.map(({ group }) => group))]

async function startUp({ server }: Bench, size: Size): Promise<Measured> {
  await sleep(size.seconds(EMPTY_S) * 1_000)
  return { listening: server.listeningMs, rssEmpty: (await residentKB(server.pid)) / 1024 }
}

async function joins({ load }: Bench, size: Size, suffix: 'Tls' | 'Noise', sec: string): Promise<Measured> {
  const facts = await load('join', { n: size.peers(2_000), sec, settle: size.seconds(2), after: size.seconds(10) })
  return {
    [`join${suffix}`]: numberOf(facts, 'srv_cpu_ms_per_join'),
    [`leave${suffix}`]: numberOf(facts, 'srv_cpu_ms_per_disconnect')
  }
}

/** The heap is read while the connections are held, after the RSS was. */
async function memory(bench: Bench, size: Size, peers: number, suffix: string, sec: string): Promise<Measured> {
  const { server, isOurs } = bench
  const n = size.peers(peers)
  const before = isOurs ? await measureMemory(server.daemon) : undefined
  let during: Promise<{ heapUsed: number; external: number }> | undefined
  const flags = { n, sec, settle: size.seconds(15), t: size.seconds(10) + 2, after: 0 }
  const facts = await bench.load('hold', flags, (line) => {
    if (isOurs && line.startsWith('holding')) during = measureMemory(server.daemon)
  })
  const after = await during
  const measured = {
    [`join${peers}${suffix}`]: numberOf(facts, 'srv_cpu_ms_per_join'),
    [`rss${peers}${suffix}`]: numberOf(facts, 'srv_rss_kB_per_conn')
  }
  if (before === undefined || after === undefined) return measured
  const heapBytes = after.heapUsed + after.external - before.heapUsed - before.external
  return { ...measured, [`heap${peers}${suffix}`]: heapBytes / 1024 / n }
}

async function idle({ load }: Bench, size: Size, suffix: string, sec: string): Promise<Measured> {
  const flags = { n: size.peers(1_000), sec, settle: size.seconds(20), t: size.seconds(60), after: 0 }
  return { [`idle${suffix}`]: numberOf(await load('hold', flags), 'idle_cpu_pct_per_1000_conns') }
}

/** 160 peers, each providing one of the keys. */
async function getProviders({ load }: Bench, size: Size, id: string, keys: number): Promise<Measured> {
  const flags = { n: size.peers(160), keys, qps: 0, c: 16, t: size.seconds(15), after: 0 }
  const facts = await load('providers', flags)
  return { [id]: numberOf(facts, 'srv_cpu_ms_per_rpc'), [`${id}Rate`]: numberOf(facts, 'rpc_per_s') }
}

async function latency({ load }: Bench, size: Size): Promise<Measured> {
  const facts = await load('providers', {
    n: size.peers(160),
    keys: 6,
    qps: 320,
    t: size.seconds(30),
    after: 0
  })
  return { getP99: numberOf(facts, 'rpc_p99_ms') }
}

async function addProvider({ load }: Bench, size: Size): Promise<Measured> {
  const flags = { n: size.peers(500), keys: size.peers(EVERY_PROVIDER_KEYS), each: true, qps: 1, t: 1, after: 0 }
  return { add: numberOf(await load('providers', flags), 'srv_cpu_ms_per_add') }
}

async function findNode({ load }: Bench, size: Size): Promise<Measured> {
  const facts = await load('findnode', { n: size.peers(500), qps: 0, c: 16, t: size.seconds(15), after: 0 })
  return { findNode: numberOf(facts, 'srv_cpu_ms_per_rpc'), findNodeRate: numberOf(facts, 'rpc_per_s') }
}

async function burst({ load }: Bench, size: Size): Promise<Measured> {
  const facts = await load('burst', { n: size.peers(2_000), after: 0 })
  return { burst: numberOf(facts, 'wall_s'), burstRefused: numberOf(facts, 'refused') }
}

async function cap({ load }: Bench, size: Size): Promise<Measured> {
  const facts = await load('cap', { n: size.peers(400), c: 16, t: size.seconds(10), after: 0 })
  return { capMost: numberOf(facts, 'max_alive_at_once'), capRefused: numberOf(facts, 'refused') }
}

async function scale({ load }: Bench, size: Size, id: string, peers: number): Promise<Measured> {
  const facts = await load('join', { n: size.peers(peers), sec: 'tls', settle: 0, after: 0 })
  const tenths = facts.srv_cpu_ms_per_join_by_decile
  if (!Array.isArray(tenths)) throw new Error('the load generator gave no tenths')
  return { [`${id}First`]: Number(tenths[0]), [`${id}Last`]: Number(tenths[9]) }
}
