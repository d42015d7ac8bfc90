import { pseudoStack, type Stack, stackKey } from './frame.ts'
import type { HeapReading } from './heap-sampler.ts'
import type { ProfileData, ProfileSample } from './pprof.ts'

/** Go's names in Go's order: `go tool pprof -alloc_space` looks for them. */
const SAMPLE_TYPES = [
  ['alloc_objects', 'count'],
  ['alloc_space', 'bytes'],
  ['inuse_objects', 'count'],
  ['inuse_space', 'bytes']
] as const

export type HeapSampleType = (typeof SAMPLE_TYPES)[number][0]

/**
 * The heap profile of a reading.
 * @param externalBytes memory that V8's sampler cannot see: Buffers and native objects
 */
export function heapProfile(
  { live, allocated, counts, durationMs }: HeapReading,
  intervalBytes: number,
  externalBytes: number,
  defaultSampleType: HeapSampleType,
  takenAtMs: number
): ProfileData {
  const sums = new Sums()
  for (const { stack, objects, bytes } of allocated) sums.add(stack, [objects, bytes, 0, 0])
  for (const { stack, objects, bytes } of live) sums.add(stack, [0, 0, objects, bytes])
  // in steps of the interval: a finer figure would make pprof show all others in bytes
  const externalRounded = Math.round(externalBytes / intervalBytes) * intervalBytes
  sums.add(pseudoStack('[external: Buffers and native memory]'), [0, 0, 1, externalRounded])
  const { seen, unseen } = counts
  return {
    sampleTypes: SAMPLE_TYPES,
    defaultSampleType,
    samples: sums.samples,
    periodType: ['space', 'bytes'],
    period: intervalBytes,
    takenAtMs,
    durationMs,
    comments: [
      'inuse: objects not collected yet, some of them garbage; ask with ?gc=1 to leave that out. ' +
        '[external: …] is the memory outside of V8, in use only.',
      `alloc: in the ${Math.round(durationMs / 1000)} s since the profiling server started, from ${seen} samples; ${unseen} more ` +
        'stand, with the mean of the others, under [collected before it was seen].'
    ]
  }
}

/** One sample a stack: what is in use is summed up before it is rounded, so that it never exceeds what was allocated. */
class Sums {
  readonly #sums = new Map<string, { stack: Stack; values: number[] }>()

  get samples(): ProfileSample[] {
    return [...this.#sums.values()]
  }

  add(stack: Stack, values: number[]): void {
    const key = stackKey(stack)
    const sum = this.#sums.get(key)
    if (sum === undefined) this.#sums.set(key, { stack, values })
    else sum.values = sum.values.map((value, index) => value + (values[index] ?? 0))
  }
}
