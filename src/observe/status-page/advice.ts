import { filesNeeded } from '../open-files.ts'
import type { Advice, Figures, Reach, Verdict } from './report.ts'

/** What advice is drawn from. */
export interface Situation {
  readonly phase: 'starting' | 'running' | 'stopping'
  readonly reach: Reach
  readonly uptimeSeconds: number
  readonly figures: Figures
  /** Whether records and identity outlive a restart. */
  readonly keepsState: boolean
}

/** Of a limit: from here on somebody should look, from there on act. */
const full = { watch: 0.8, act: 0.95 }
/** A client that waits longer than this for the event loop waits visibly. */
const lateSeconds = { watch: 0.1, act: 1 }
/** Clients of the network advertise within a minute of their start, and again every few hours. */
const settledSeconds = 600
const handshakeSeconds = { watch: 1, act: 4 }

const order: readonly Verdict[] = ['act', 'watch', 'good', 'hint']

/** What the operator should change, the most urgent first; a line that says so when it is nothing. */
export function adviceOf(situation: Situation): Advice[] {
  if (situation.phase === 'starting') return [advice('watch', 'The node is starting.', 'Wait: it takes a few seconds.')]
  if (situation.phase === 'stopping') return [advice('watch', 'The node is stopping.', 'Nothing, if this was wanted.')]
  const found = rules.flatMap((rule) => rule(situation) ?? [])
  if (found.every(({ verdict }) => verdict === 'hint')) found.push(advice('good', 'Nothing needs to be changed.', ''))
  return found.sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict))
}

type Rule = (situation: Situation) => Advice | undefined

const rules: readonly Rule[] = [
  ({ reach }) =>
    reach.ok
      ? undefined
      : advice(
          'act',
          `The node does not answer on its own port: ${reach.detail}`,
          'Look at the warnings below and at the log; restart the node if it stays so.'
        ),

  ({ figures: { refusalsPerSecond } }) =>
    (refusalsPerSecond ?? 0) === 0
      ? undefined
      : advice(
          'act',
          `Newcomers are refused, ${perMinute(refusalsPerSecond)} a minute, and most of them never come back.`,
          'Raise CONN_MANAGER_HIGH_WATER, or start another node and name it in BOOTSTRAP_PEERS.'
        ),

  ({ figures: { connections, highWater, cap, evictionsPerSecond } }) => {
    if (highWater === 0) return undefined
    if (connections > highWater || (evictionsPerSecond ?? 0) > 0) {
      return advice(
        connections >= cap ? 'act' : 'watch',
        `Connections are closed to make room, ${perMinute(evictionsPerSecond)} a minute.`,
        'Raise CONN_MANAGER_HIGH_WATER if memory and open files allow it.'
      )
    }
    const room = Math.min(highWater, cap)
    const share = connections / room
    const verdict = verdictOf(share, full)
    const most = room === highWater ? 'high water' : `the ${count(cap)} that there are files for`
    return verdict && advice(verdict, `Connections are at ${percent(share)} of ${most}.`, raise)
  },

  ({ figures: { openFiles, openFilesLimit, highWater, cap } }) => {
    if (openFilesLimit === 0) return undefined
    const verdict = verdictOf(openFiles / openFilesLimit, full)
    if (verdict !== undefined) {
      const what = `Open files are at ${percent(openFiles / openFilesLimit)} of the limit of ${count(openFilesLimit)}.`
      return advice(verdict, what, 'Raise the limit (LimitNOFILE, NOFILE_LIMIT for Docker, ulimit -n) and restart.')
    }
    const needed = filesNeeded(highWater)
    return highWater === 0 || openFilesLimit >= needed
      ? undefined
      : advice(
          'watch',
          `The limit of ${count(openFilesLimit)} open files is below the ${count(needed)} for CONN_MANAGER_HIGH_WATER, so that ${count(cap)} connections are the most.`,
          'Raise the limit (LimitNOFILE, NOFILE_LIMIT for Docker, ulimit -n), or lower CONN_MANAGER_HIGH_WATER.'
        )
  },

  ({ figures: { residentBytes, memoryLimitBytes } }) =>
    nearLimit(
      residentBytes,
      memoryLimitBytes,
      'Memory',
      'Give the machine or container more, or lower CONN_MANAGER_HIGH_WATER.'
    ),

  ({ figures: { heapBytes, heapLimitBytes } }) =>
    nearLimit(
      heapBytes,
      heapLimitBytes,
      'The heap',
      'Raise --max-old-space-size in NODE_OPTIONS, or lower CONN_MANAGER_HIGH_WATER.'
    ),

  ({ figures: { eventLoopDelaySeconds } }) => {
    const verdict = verdictOf(eventLoopDelaySeconds ?? 0, lateSeconds)
    const ms = Math.round((eventLoopDelaySeconds ?? 0) * 1_000)
    return verdict && advice(verdict, `The event loop is ${ms} ms late: every client waits so long.`, busy)
  },

  ({ figures: { handshakeP99Seconds } }) => {
    const verdict = verdictOf(handshakeP99Seconds ?? 0, handshakeSeconds)
    const seconds = (handshakeP99Seconds ?? 0).toFixed(1)
    return (
      verdict && advice(verdict, `1 of 100 handshakes takes ${seconds} s and more; Go clients give up after 5.`, busy)
    )
  },

  ({ figures: { connections }, uptimeSeconds }) =>
    connections > 0 || uptimeSeconds < settledSeconds
      ? undefined
      : advice(
          'watch',
          'Nobody is connected.',
          'Check from another machine with the address below that the port is open in the firewall, and PUBLIC_IP is right.'
        ),

  ({ figures: { connections, providerRecords }, uptimeSeconds }) =>
    connections === 0 || providerRecords > 0 || uptimeSeconds < settledSeconds
      ? undefined
      : advice(
          'watch',
          'Nobody who is connected provides a key.',
          'See that clients use this network’s rendezvous point.'
        ),

  ({ keepsState }) =>
    keepsState
      ? undefined
      : advice('hint', 'Provider records, and who was connected, end with this process.', 'Set DATA_DIR to keep them.')
]

const raise = 'Plan for more: raise CONN_MANAGER_HIGH_WATER if memory and open files allow it, or add a node.'
const busy = 'See which process or which peers take the CPU (PPROF_PORT), or give the node a faster core.'

function nearLimit(used: number, limit: number, what: string, todo: string): Advice | undefined {
  const verdict = limit === 0 ? undefined : verdictOf(used / limit, full)
  return verdict && advice(verdict, `${what} is at ${percent(used / limit)} of its limit.`, todo)
}

function verdictOf(value: number, { watch, act }: { watch: number; act: number }): Verdict | undefined {
  return value >= act ? 'act' : value >= watch ? 'watch' : undefined
}

function advice(verdict: Verdict, what: string, todo: string): Advice {
  return { verdict, what, todo }
}

function count(value: number): string {
  return value.toLocaleString('en')
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

function perMinute(perSecond: number | null): string {
  const rate = (perSecond ?? 0) * 60
  return rate > 0 && rate < 1 ? 'less than one' : String(Math.round(rate))
}
