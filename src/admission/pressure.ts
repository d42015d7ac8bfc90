/** How much of a limit is used, 0 to 1; one for each thing that the process dies without. */
export interface Shares {
  /** Of what the machine or the container gives. */
  readonly memory: number
  /** Of V8's heap. */
  readonly heap: number
}

export interface Load extends Shares {
  readonly connections: number
  /** Nothing more can be opened. */
  readonly isOutOfFiles: boolean
}

export type Shortage = keyof Shares | 'files'

export interface Relief {
  /** Connections above it are closed, worst first, and at it a newcomer takes the place of the worst. */
  readonly ceiling: number
  /** Nobody is let in. */
  readonly refusing: boolean
  /** What is short; undefined: nothing. */
  readonly shortage: Shortage | undefined
}

/** From here on no connection is added. */
export const highShare = 0.9
/** Below it connections are let in again, a few at a time. */
export const lowShare = 0.8
/** From here on each growth is answered at once, and for a while nobody is let in. */
export const criticalShare = 0.96
/** What is freed is reused but seldom given back to the system: only a share that has grown by so much is answered again. */
export const grownShare = 0.01
const grownShareCritical = 0.002
/** Between two steps, so that the first can take effect; when it is critical nobody is let in meanwhile. */
export const stepMs = 5_000
/** A share that has not grown for so long may be memory that is free within the process: some more are let in. */
export const tryMs = 300_000
const stepDown = 0.05
const stepDownCritical = 0.1
const stepUp = 0.05
/** Not so few that the node serves nobody because others have taken the memory. */
const leastShare = 0.05

const none: Relief = { ceiling: Number.POSITIVE_INFINITY, refusing: false, shortage: undefined }

/**
 * What admission does when memory, heap or files are short: it lets nobody be added, closes some of those who are here when
 * that is not enough, and lets more in when it is over. A client that is closed dials again; a process that died serves
 * nobody.
 */
export class Pressure {
  readonly #maxConnections: number
  #relief: Relief = none
  #steppedMs = Number.NEGATIVE_INFINITY
  #steppedAt = 0

  constructor(maxConnections: number) {
    this.#maxConnections = maxConnections
  }

  /** To be asked once a second, and a few times as often from a half on. */
  look(load: Load, nowMs: number): Relief {
    const share = Math.max(load.memory, load.heap)
    const isCritical = share >= criticalShare
    if (load.isOutOfFiles) this.#lower(load, stepDown, 'files', share, nowMs)
    else if (share >= highShare && this.#hasToShed(share, nowMs)) {
      const shortage = load.memory >= load.heap ? 'memory' : 'heap'
      this.#lower(load, isCritical ? stepDownCritical : stepDown, shortage, share, nowMs)
    } else if (this.#relief.shortage !== undefined) this.#recover(load, share, nowMs)
    const refusing = load.isOutOfFiles || (isCritical && nowMs - this.#steppedMs < stepMs)
    this.#relief = { ...this.#relief, refusing }
    return this.#relief
  }

  #hasToShed(share: number, nowMs: number): boolean {
    // a want of files says nothing of how memory has grown since
    if (this.#relief.shortage === undefined || this.#relief.shortage === 'files') return true
    if (share >= criticalShare) return this.#steppedAt < criticalShare || share >= this.#steppedAt + grownShareCritical
    return nowMs - this.#steppedMs >= stepMs && share >= this.#steppedAt + grownShare
  }

  #lower({ connections }: Load, by: number, shortage: Shortage, share: number, nowMs: number): void {
    const least = Math.ceil(this.#maxConnections * leastShare)
    const ceiling = Math.floor(Math.min(connections, this.#relief.ceiling) * (1 - by))
    this.#relief = { ...this.#relief, ceiling: Math.max(least, ceiling), shortage }
    this.#steppedMs = nowMs
    this.#steppedAt = share
  }

  #recover({ connections }: Load, share: number, nowMs: number): void {
    const wereFiles = this.#relief.shortage === 'files'
    if (nowMs - this.#steppedMs < (wereFiles || share < lowShare ? stepMs : tryMs)) return
    const ceiling = Math.min(this.#relief.ceiling + Math.ceil(this.#maxConnections * stepUp), this.#maxConnections)
    // connections that do not come near the ceiling are not what took the files
    const isEnough = ceiling === this.#maxConnections || (wereFiles && connections < this.#relief.ceiling / 2)
    const isOver = isEnough && share < highShare
    this.#relief = isOver ? none : { ...this.#relief, ceiling }
    this.#steppedMs = nowMs
    this.#steppedAt = share
  }
}
