import type { Profiler } from 'node:inspector'
import { Session } from 'node:inspector/promises'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { type Frame, pseudoStack, type Stack } from './frame.ts'
import type { ProfileData, ProfileSample } from './pprof.ts'

/** What was recorded, with the CPU time of the whole process (all threads) in the same window, in µs. */
export interface CpuRecording {
  readonly profile: Profiler.Profile
  readonly intervalUs: number
  readonly processCpuUs: number
  readonly durationMs: number
}

/** V8's default interval; longer recordings take wider steps, so that none has more samples than this. */
const MIN_INTERVAL_US = 1000
const MAX_SAMPLES = 60_000

/** Records for `seconds`; an abort ends it at once and rejects. Nothing stays enabled either way. */
export async function recordCpu(seconds: number, signal: AbortSignal): Promise<CpuRecording> {
  const session = new Session()
  session.connect()
  try {
    const intervalUs = Math.max(MIN_INTERVAL_US, Math.ceil((seconds * 1e6) / MAX_SAMPLES))
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: intervalUs })
    await session.post('Profiler.start')
    const cpuAtStart = process.cpuUsage()
    const beganMs = performance.now()
    await delay(seconds * 1000, undefined, { signal })
    const { user, system } = process.cpuUsage(cpuAtStart)
    const durationMs = performance.now() - beganMs
    const { profile } = await session.post('Profiler.stop')
    return { profile, intervalUs, processCpuUs: user + system, durationMs }
  } finally {
    session.disconnect() // also ends a recording that was not stopped
  }
}

/**
 * A CPU profile as Go's: waiting is no part of it. V8 samples the main thread only and takes some native callbacks (a TLS
 * handshake) for idle; what the process used beyond the samples is shown under a name of its own.
 */
export function cpuProfile(
  { profile, intervalUs, processCpuUs, durationMs }: CpuRecording,
  takenAtMs: number
): ProfileData {
  const { samples, sampledUs } = sampled(profile)
  const outsideUs = processCpuUs - sampledUs
  if (outsideUs > 0) {
    const stack = pseudoStack('[outside the sampler: other threads, native callbacks, this recording]')
    samples.push({ stack, values: [outsideUs / intervalUs, outsideUs * 1000] })
  }
  return {
    sampleTypes: [
      ['samples', 'count'],
      ['cpu', 'nanoseconds']
    ],
    defaultSampleType: 'cpu',
    samples,
    periodType: ['cpu', 'nanoseconds'],
    period: intervalUs * 1000,
    takenAtMs,
    durationMs,
    comments: [
      `Main thread, a sample each ${intervalUs} µs, without idle time: ${Math.round(sampledUs / 1000)} ms. All threads used ` +
        `${Math.round(processCpuUs / 1000)} ms of CPU; what is more stands under [outside the sampler: …].`
    ]
  }
}

function sampled({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): {
  samples: ProfileSample[]
  sampledUs: number
} {
  const times = new Map<number, { count: number; us: number }>()
  for (const [index, nodeId] of samples.entries()) {
    const time = times.get(nodeId) ?? { count: 0, us: 0 }
    time.count++
    time.us += Math.max(0, timeDeltas[index] ?? 0) // a sample that came late is dated before its predecessor
    times.set(nodeId, time)
  }
  const tree = treeOf(nodes)
  const result: ProfileSample[] = []
  let sampledUs = 0
  for (const [nodeId, { count, us }] of times) {
    const stack = stackOf(nodeId, tree)
    if (stack.length === 0 || stack[0]?.name === '(idle)' || stack.some(isRecording)) continue
    result.push({ stack, values: [count, us * 1000] })
    sampledUs += us
  }
  return { samples: result, sampledUs }
}

/** V8 takes the first samples while it starts (50 ms to list all functions): its own work, not that of the process. */
function isRecording({ name, url }: Frame): boolean {
  return name === recordCpu.name && url === import.meta.url
}

interface Tree {
  readonly frames: ReadonlyMap<number, Frame>
  /** Node to its caller; the root, which is no call, has none. */
  readonly callers: ReadonlyMap<number, number>
}

function treeOf(nodes: readonly Profiler.ProfileNode[]): Tree {
  const frames = new Map<number, Frame>()
  const callers = new Map<number, number>()
  for (const { id, callFrame, children = [] } of nodes) {
    const { functionName: name, url, lineNumber, columnNumber } = callFrame
    frames.set(id, { name, url, line: lineNumber + 1, column: columnNumber + 1 })
    for (const child of children) callers.set(child, id)
  }
  return { frames, callers }
}

function stackOf(nodeId: number, { frames, callers }: Tree): Stack {
  const stack: Frame[] = []
  let at = nodeId
  for (let caller = callers.get(at); caller !== undefined; caller = callers.get(at)) {
    const frame = frames.get(at)
    if (frame !== undefined) stack.push(frame)
    at = caller
  }
  return stack
}
