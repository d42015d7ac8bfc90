import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../test/support/port.ts'
import { numberOf, runLoad } from '../load.ts'
import { measureMemory, type OurNode, startOurNode } from '../node.ts'
import { type SoakOptions, WARM_UP_ROUNDS } from './arguments.ts'
import { growthOf, saveHeapProfile } from './profiles.ts'
import { bytesPerPeer, type Reading, type Verdict, verdict } from './verdict.ts'

/** The collector removes a peer at its second cycle; the node's own interval would make a round last four minutes. */
const COLLECT_MS = 1_000
const COLLECTED_MS = 60_000
const JOINS_AT_ONCE = 32
/**
 * V8 compiles what is hot, over minutes, into memory that counts as used heap: half a megabyte within ten rounds, in which
 * nothing else grew (two heap snapshots, Node 20.20). Without its optimising compilers the heap is that of the node.
 */
const STEADY_CODE = ['--no-opt', '--no-maglev', '--no-sparkplug', '--no-flush-bytecode']

export interface SoakResult extends Verdict {
  readonly readings: readonly Reading[]
  /** In stacks with a frame of gossipsub, between the two profiles. */
  readonly gossipsubBytes: number
}

export interface SoakSetup {
  /** Where the two heap profiles go. */
  readonly directory: string
  readonly report: (line: string) => void
  /** For Node, in front of the node's file. */
  readonly nodeArgs?: readonly string[]
}

/**
 * Lets new Go peers connect, identify, subscribe, provide, look up and leave, and measures after each round what they left
 * behind in the node.
 *
 * Provider records outlive their peers for 48 h by design. To tell them from a leak, the provider book is bounded to
 * the peers of one round: it is full before the first reading, each later record takes the place of an older one, and
 * so nothing that grows is excused.
 *
 * A heap profiler keeps memory of its own, so the profiles are taken from a second node under the same load.
 */
export async function soak(options: SoakOptions, setup: SoakSetup): Promise<SoakResult> {
  const profilePort = await freePort()
  const measured = await startNode(options, setup, {})
  try {
    const profiled = await startNode(options, setup, { PPROF_PORT: String(profilePort) })
    try {
      return await run(options, setup, measured, profiled, profilePort)
    } finally {
      await profiled.daemon.stop()
    }
  } finally {
    await measured.daemon.stop()
  }
}

function startNode({ peers }: SoakOptions, setup: SoakSetup, env: Record<string, string>): Promise<OurNode> {
  return startOurNode({
    hasProbe: true,
    nodeArgs: [...STEADY_CODE, ...(setup.nodeArgs ?? [])],
    env: { LOG_LEVEL: 'debug', PROVIDER_MAX_RECORDS: String(peers), PROBE_COLLECT_MS: String(COLLECT_MS), ...env }
  })
}

async function run(
  options: SoakOptions,
  { directory, report }: SoakSetup,
  measured: OurNode,
  profiled: OurNode,
  profilePort: number
): Promise<SoakResult> {
  await mkdir(directory, { recursive: true })
  const firstProfile = join(directory, 'heap-first.pb.gz')
  const lastProfile = join(directory, 'heap-last.pb.gz')
  const readings: Reading[] = []
  const endMs = performance.now() + options.minutes * 60_000
  for (let round = 1; round <= options.rounds || performance.now() < endMs; round++) {
    await Promise.all([measured, profiled].map((node) => churn(node, options.peers, round)))
    const reading = { ...(await measureMemory(measured.daemon)), departed: round * options.peers }
    readings.push(reading)
    report(describe(round, reading, readings[WARM_UP_ROUNDS - 1]))
    if (round === WARM_UP_ROUNDS) await saveHeapProfile(profilePort, firstProfile)
  }
  await saveHeapProfile(profilePort, lastProfile)
  const [first, last] = [readings[WARM_UP_ROUNDS - 1], readings.at(-1)]
  if (first === undefined || last === undefined) throw new Error('no reading')
  const gossipsubBytes = await growthOf('gossipsub', firstProfile, lastProfile)
  return { ...verdict(first, last, options.boundBytes), readings, gossipsubBytes }
}

/** One round, TLS and Noise in turn; over when the node has forgotten its peers. */
async function churn({ addr, daemon }: OurNode, peers: number, round: number): Promise<void> {
  const sec = round % 2 === 1 ? 'tls' : 'noise'
  const target = { addr, pid: daemon.process.pid ?? 0 }
  const facts = await runLoad(
    'churn',
    target,
    { n: peers, c: JOINS_AT_ONCE, sec, rounds: 1, gap: 0, after: 0 },
    () => {}
  )
  if (numberOf(facts, 'errors') > 0) throw new Error(`round ${round}: ${JSON.stringify(facts.round_errors_kinds)}`)
  // at debug level each cycle prints its line, whether it had something to remove or not
  await daemon.line(/Peerstore GC: removed \d+ stale peers, 1 remaining \(connected: 0\)/, COLLECTED_MS, daemon.printed)
}

function describe(round: number, reading: Reading, first: Reading | undefined): string {
  const megabytes = ((reading.heapUsed + reading.external) / 1e6).toFixed(3)
  const growth =
    first === undefined || first.departed === reading.departed
      ? 'warming up'
      : `${bytesPerPeer(first, reading).toFixed(0)} bytes stayed for each of ${reading.departed - first.departed} peers`
  return `round ${round}: heap + external ${megabytes} MB; ${growth}`
}
