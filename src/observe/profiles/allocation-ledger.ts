import { type Frame, frameKey, pseudoStack, type Stack } from './frame.ts'

/** What one stack has allocated since the sampling began, estimated. */
export interface Allocated {
  readonly stack: Stack
  objects: number
  bytes: number
}

/** At most this many stacks of at most 64 frames: about 6 MB in the worst case, some hundred KB in practice. */
export const MAX_STACKS = 10_000

/**
 * Allocations added up by call stack. V8 forgets a sample with its object, so what it showed once is kept here, in a
 * space that does not grow with time: beyond the bound, new stacks are added up as `[other]`.
 */
export class AllocationLedger {
  readonly #frames = new Map<string, { readonly id: number; readonly frame: Frame }>()
  readonly #stacks = new Map<string, Allocated>()
  readonly #other: Allocated = { stack: pseudoStack('[other]'), objects: 0, bytes: 0 }
  readonly #lost: Allocated = { stack: pseudoStack('[collected before it was seen]'), objects: 0, bytes: 0 }
  #samples = 0
  #unseen = 0
  #objects = 0
  #bytes = 0

  /** @param meanBytes what a sample stands for as long as none was seen */
  constructor(
    readonly meanBytes: number,
    readonly maxStacks = MAX_STACKS
  ) {}

  /** Stacks held. */
  get size(): number {
    return this.#stacks.size
  }

  /** Distinct functions held; only those of stacks that are held. */
  get frames(): number {
    return this.#frames.size
  }

  /** Samples added up, and samples whose objects were collected before anybody looked. */
  get counts(): { readonly seen: number; readonly unseen: number } {
    return { seen: this.#samples, unseen: this.#unseen }
  }

  /** One sample, already scaled to the allocations that it stands for. */
  add(stack: Stack, objects: number, bytes: number): void {
    const row = this.#row(stack)
    row.objects += objects
    row.bytes += bytes
    this.#samples++
    this.#objects += objects
    this.#bytes += bytes
  }

  /**
   * Samples that were taken, as the gaps in V8's numbering tell, but died unseen. Each counts as the mean of those seen
   * so far: a better mean later does not change what was said, so that no figure ever falls.
   */
  addUnseen(samples: number): void {
    const [objects, bytes] =
      this.#samples === 0 ? [1, this.meanBytes] : [this.#objects / this.#samples, this.#bytes / this.#samples]
    this.#unseen += samples
    this.#lost.objects += objects * samples
    this.#lost.bytes += bytes * samples
  }

  /** Everything allocated; what has no stack of its own stands under a name that says why. */
  *entries(): Generator<Allocated> {
    yield* this.#stacks.values()
    if (this.#other.bytes > 0) yield this.#other
    if (this.#lost.bytes > 0) yield this.#lost
  }

  #row(stack: Stack): Allocated {
    const known = this.#stacks.get(this.#key(stack))
    if (known !== undefined) return known
    if (this.#stacks.size >= this.maxStacks) return this.#other
    const own = stack.map((frame) => this.#intern(frame))
    const row = { stack: own, objects: 0, bytes: 0 }
    this.#stacks.set(this.#key(own), row)
    return row
  }

  /** A few digits a frame rather than its URL; a frame that is not held makes a key that no stack has. */
  #key(stack: Stack): string {
    return stack.map((frame) => this.#frames.get(frameKey(frame))?.id ?? '?').join('.')
  }

  #intern(frame: Frame): Frame {
    const key = frameKey(frame)
    const known = this.#frames.get(key)
    if (known !== undefined) return known.frame
    this.#frames.set(key, { id: this.#frames.size, frame })
    return frame
  }
}
