import { performance } from 'node:perf_hooks'
import { type Allocated, AllocationLedger } from './allocation-ledger.ts'
import type { HeapEngine } from './heap-engine.ts'
import type { LiveSample } from './heap-samples.ts'

/** What the sampler is timed by, in ms of any origin; tests bring their own. */
export interface SamplerClock {
  now(): number
  /** Calls `fn` once after `ms` without keeping the process alive; returns its cancel. */
  after(ms: number, fn: () => void): () => void
}

export interface HeapReading {
  readonly live: readonly LiveSample[]
  readonly allocated: readonly Readonly<Allocated>[]
  readonly counts: { readonly seen: number; readonly unseen: number }
  /** How long the sampler has run. */
  readonly durationMs: number
}

const IDLE_LOOK_MS = 100
const BUSY_LOOK_MS = 20
/** Filling a 64th of the young space in 100 ms is busy: it lasts 6 s. */
const BUSY_SHARE_PER_MS = 1 / 64 / 100
/** V8 may scavenge from 80 % on (its `scavenge_task_trigger`): the first read comes well before. */
const NEARLY_FULL = 0.6
/** … and another after each eighth of the space: a scavenge takes a sixteenth of it unseen, on average. */
const STEP = 1 / 8
/** Large objects never pass the young space: two reads a minute see them before an old-space collection does. */
const LONGEST_GAP_MS = 30_000
/** The allocations of the looks themselves are not worth a read. */
const IGNORED_BYTES = 256 * 1024
/** Reads take at most one fiftieth of the time, 2 %; what is lost by that is counted, and the profile says how much. */
const REST_PER_READ = 49

/**
 * V8's sampler knows only live objects: a sample goes with its object. This one looks at it often enough to see most
 * samples before they die and adds them up in a ledger, which makes the allocations since the start. A look is one figure
 * (10 µs); a read of the samples (from 0.1 ms) follows only when the young space is about to be collected.
 */
export class HeapSampler {
  readonly ledger: AllocationLedger
  readonly #engine: HeapEngine
  readonly #onError: (error: unknown) => void
  readonly #clock: SamplerClock
  readonly #startedAtMs: number
  #lastOrdinal = 0
  #usedAtRead = 0
  #readAtMs: number
  #usedAtLook = 0
  #lookedAtMs: number
  #restUntilMs = 0
  #cancelLook: () => void = () => {}

  /** @param onError hears of a look that failed; it is the last one, while profiles can still be asked for */
  constructor(engine: HeapEngine, onError: (error: unknown) => void, clock = systemClock, maxStacks?: number) {
    this.#engine = engine
    this.#onError = onError
    this.#clock = clock
    this.ledger = new AllocationLedger(engine.intervalBytes, maxStacks)
    this.#startedAtMs = this.#readAtMs = this.#lookedAtMs = clock.now()
    this.#lookAfter(IDLE_LOOK_MS)
  }

  /** Bytes from sample to sample, on average. */
  get intervalBytes(): number {
    return this.#engine.intervalBytes
  }

  /** What lives and what was allocated, at one moment; with `gc`, after a full collection. */
  async read({ gc }: { gc: boolean }): Promise<HeapReading> {
    if (gc) {
      this.#read(this.#lastOrdinal) // what the collection takes was allocated all the same
      await this.#engine.collectGarbage()
    }
    const live = this.#read(0)
    return {
      live,
      allocated: Array.from(this.ledger.entries(), (row) => ({ ...row })),
      counts: this.ledger.counts,
      durationMs: this.#clock.now() - this.#startedAtMs
    }
  }

  stop(): void {
    this.#cancelLook()
    this.#engine.stop()
  }

  #lookAfter(ms: number): void {
    this.#cancelLook = this.#clock.after(ms, () => {
      try {
        this.#lookAfter(this.#look())
      } catch (error) {
        this.#onError(error)
      }
    })
  }

  /** Reads if a scavenge is near; returns the ms until the next look. */
  #look(): number {
    const { usedBytes, capacityBytes } = this.#engine.young()
    const now = this.#clock.now()
    const grown = growth(this.#usedAtLook, usedBytes)
    const isBusy = grown >= capacityBytes * BUSY_SHARE_PER_MS * (now - this.#lookedAtMs)
    this.#usedAtLook = usedBytes
    this.#lookedAtMs = now
    if (usedBytes < this.#usedAtRead) this.#usedAtRead = 0
    const unread = usedBytes - this.#usedAtRead
    const isNear = unread >= capacityBytes * STEP && usedBytes + 2 * grown >= capacityBytes * NEARLY_FULL
    const isOld = now - this.#readAtMs >= LONGEST_GAP_MS
    if (unread >= IGNORED_BYTES && (isNear || isOld) && now >= this.#restUntilMs) this.#read(this.#lastOrdinal)
    return isBusy ? BUSY_LOOK_MS : IDLE_LOOK_MS
  }

  #read(afterOrdinal: number): readonly LiveSample[] {
    const began = this.#clock.now()
    const samples = this.#engine.read(afterOrdinal)
    this.#fold(samples)
    this.#readAtMs = this.#clock.now()
    this.#restUntilMs = this.#readAtMs + REST_PER_READ * (this.#readAtMs - began)
    this.#usedAtRead = this.#usedAtLook = this.#engine.young().usedBytes // the read has allocated too
    return samples
  }

  /** V8 numbers its samples, so that a gap before the youngest live one tells how many were missed. */
  #fold(samples: readonly LiveSample[]): void {
    let fresh = 0
    let last = this.#lastOrdinal
    for (const { ordinal, stack, objects, bytes } of samples) {
      if (ordinal <= this.#lastOrdinal) continue
      this.ledger.add(stack, objects, bytes)
      fresh++
      last = Math.max(last, ordinal)
    }
    this.ledger.addUnseen(last - this.#lastOrdinal - fresh)
    this.#lastOrdinal = last
  }
}

/** Bytes that came since; a space that has shrunk was scavenged, and all of it is new or has survived. */
function growth(before: number, now: number): number {
  return now < before ? now : now - before
}

const systemClock: SamplerClock = {
  now: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms)
    timer.unref()
    return () => clearTimeout(timer)
  }
}
