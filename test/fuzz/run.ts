import { createHash } from 'node:crypto'
import { Random } from './random.ts'
import type { Target } from './target.ts'

export interface Crash {
  readonly input: Uint8Array
  /** What the input did. */
  readonly cause: unknown
  /** Name of the file that keeps it. */
  readonly file: string
}

export interface TargetReport {
  readonly name: string
  readonly inputs: number
  readonly durationMs: number
  readonly slowestMs: number
  /** Bytes of the slowest input. */
  readonly slowestBytes: number
  readonly crashes: readonly Crash[]
}

/** More of them are the same defect again. */
const maxCrashes = 10
/** Mutants that become seeds of further mutants; a new one takes the place of another. */
const maxPool = 200

/**
 * Feeds a target with its seeds and then with mutants of them, which are the same for the same seed. A mutant is now and then
 * kept, so that changes add up.
 */
export async function fuzz(target: Target, inputs: number, seed: number): Promise<TargetReport> {
  const random = new Random(seed)
  const pool = [...target.seeds]
  const crashes: Crash[] = []
  let slowest = { ms: 0, bytes: 0 }
  let done = 0
  const startMs = performance.now()
  for (; done < inputs && crashes.length < maxCrashes; done++) {
    const seedInput = target.seeds[done]
    const input = Uint8Array.from(seedInput ?? target.mutate(random.pick(pool), random, target.seeds))
    const beforeMs = performance.now()
    const crash = await crashOf(target, input)
    const ms = performance.now() - beforeMs
    if (ms > slowest.ms) slowest = { ms, bytes: input.length }
    if (crash !== undefined) crashes.push(crash)
    else if (random.oneIn(20) && input.length < 4096) keep(pool, input, target.seeds.length + random.below(maxPool))
  }
  const durationMs = performance.now() - startMs
  return { name: target.name, inputs: done, durationMs, slowestMs: slowest.ms, slowestBytes: slowest.bytes, crashes }
}

/** At `at`, or at the end of a pool that is shorter. */
function keep(pool: Uint8Array[], input: Uint8Array, at: number): void {
  pool[Math.min(at, pool.length)] = input
}

async function crashOf(target: Target, input: Uint8Array): Promise<Crash | undefined> {
  const kept = Uint8Array.from(input)
  try {
    const checked = target.check(input)
    if (checked !== undefined) await checked
    return undefined
  } catch (cause) {
    const digest = createHash('sha256').update(kept).digest('hex').slice(0, 16)
    return { input: kept, cause, file: `${fileOf(target.name)}/${digest}.bin` }
  }
}

/** The directory of a target's crashers. */
export function fileOf(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, '-')
}

/** Inputs for each target, in proportion to the weights. */
export function shares(targets: readonly Target[], inputs: number): number[] {
  const total = targets.reduce((sum, { weight }) => sum + weight, 0)
  return targets.map(({ weight }) => Math.ceil((inputs * weight) / total))
}
