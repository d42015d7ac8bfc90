import { Session } from 'node:inspector'
import { getHeapSpaceStatistics } from 'node:v8'
import { joinReadings, type LiveSample, type SamplingProfile, type SizedNode } from './heap-samples.ts'

/** The space that new objects are made in; when it is full, a scavenge drops what is dead, and V8 its samples with it. */
export interface YoungSpace {
  readonly usedBytes: number
  readonly capacityBytes: number
}

/** V8's sampling heap profiler, as the sampler needs it; a test puts a scripted one here. */
export interface HeapEngine {
  /** Bytes from sample to sample, on average. */
  readonly intervalBytes: number
  /** Live samples younger than `afterOrdinal`. Costs 0.1 ms for 30 samples, 10 ms for some thousand nodes. */
  read(afterOrdinal: number): LiveSample[]
  young(): YoungSpace
  collectGarbage(): Promise<void>
  stop(): void
}

/** As Go's `runtime.MemProfileRate`. */
const INTERVAL_BYTES = 512 * 1024
const STACK_DEPTH = 64

/**
 * Starts V8's sampler, of which an isolate has one, so that a second start fails.
 *
 * Two doors lead to it, and neither is enough. The inspector's own `startSampling` makes every read collect all garbage
 * first (`kSamplingForceGC`): too costly to look often, and the short-lived samples would be gone before they are seen.
 * The addon starts it without that flag, but its reading does not number the samples. So the addon starts, and the
 * inspector, which reads whatever sampler runs, tells the samples apart. Tried on Node 20.20 and 24.21.
 */
export async function startHeapEngine(): Promise<HeapEngine> {
  const { heap } = await import('@datadog/pprof') // native: loaded only by those who profile
  heap.start(INTERVAL_BYTES, STACK_DEPTH)
  const session = new Session()
  session.connect()
  return {
    intervalBytes: INTERVAL_BYTES,
    read: (afterOrdinal) =>
      joinReadings(readInspector(session), heap.v8Profile() as SizedNode, INTERVAL_BYTES, afterOrdinal),
    young: youngSpace,
    collectGarbage: () =>
      new Promise((done, failed) => {
        session.post('HeapProfiler.collectGarbage', (error) => (error === null ? done() : failed(error)))
      }),
    stop() {
      session.disconnect()
      heap.stop()
    }
  }
}

/** A session of the own thread answers within the call. */
function readInspector(session: Session): SamplingProfile {
  let profile: SamplingProfile | undefined
  let failure: Error | null = null
  session.post('HeapProfiler.getSamplingProfile', (error, result) => {
    failure = error
    profile = result?.profile as unknown as SamplingProfile | undefined
  })
  if (profile === undefined) throw new Error('V8 gave no heap profile', { cause: failure })
  return profile
}

function youngSpace(): YoungSpace {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
  if (space === undefined) return { usedBytes: 0, capacityBytes: 0 }
  return { usedBytes: space.space_used_size, capacityBytes: space.space_used_size + space.space_available_size }
}
