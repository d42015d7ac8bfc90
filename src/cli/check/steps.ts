import type { Clock } from '../../clock.ts'

/** What a client goes through, in this order. */
export const stepNames = [
  'resolve',
  'TCP',
  'security',
  'muxer',
  'identify',
  'FIND_NODE',
  'ADD_PROVIDER',
  'GET_PROVIDERS'
] as const

export type StepName = (typeof stepNames)[number]

export interface Step {
  readonly step: StepName
  readonly ok: boolean
  readonly ms: number
  /** What was seen, in words. */
  readonly detail: string
}

/** Something that keeps clients away, or may. */
export interface Problem {
  readonly problem: string
  /** What to do about it. */
  readonly advice: string
}

/** What a check has found. */
export interface CheckReport {
  readonly ok: boolean
  readonly address: string
  readonly peerId: string | undefined
  readonly ms: number
  readonly steps: readonly Step[]
  /** Why it is not ok. */
  readonly failure: Problem | undefined
  /** What does not keep a client away, but should be known. */
  readonly notes: readonly string[]
}

/** Takes the time of one step after the other. */
export class Stopwatch {
  readonly #clock: Clock
  readonly #beganMs: number
  readonly #steps: Step[] = []
  #current: { readonly step: StepName; readonly sinceMs: number } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
    this.#beganMs = clock.now()
  }

  get steps(): readonly Step[] {
    return this.#steps
  }

  /** The step that is under way. */
  get current(): StepName | undefined {
    return this.#current?.step
  }

  get ms(): number {
    return this.#clock.now() - this.#beganMs
  }

  begin(step: StepName): void {
    this.#current = { step, sinceMs: this.#clock.now() }
  }

  /** Says more of a step that is over. */
  amend(step: StepName, ok: boolean, detail: string): void {
    const at = this.#steps.findIndex((done) => done.step === step)
    const done = this.#steps[at]
    if (done !== undefined) this.#steps[at] = { ...done, ok, detail }
  }

  end(ok: boolean, detail: string): void {
    if (this.#current === undefined) return
    const { step, sinceMs } = this.#current
    this.#steps.push({ step, ok, ms: this.#clock.now() - sinceMs, detail })
    this.#current = undefined
  }
}
