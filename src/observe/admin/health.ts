import type { Clock } from '../../clock.ts'
import { messageOf } from '../../errors.ts'

export type Phase = 'starting' | 'running' | 'stopping'

export interface HealthCheck {
  readonly name: string
  readonly ok: boolean
  /** What was seen, or what is wrong, in words. */
  readonly detail: string
}

export interface Readiness {
  readonly ready: boolean
  readonly checks: readonly HealthCheck[]
}

/** A probe is a connection of its own: whoever asks within this time gets what the last one found. */
export const probeValidMs = 5_000

/**
 * Whether clients are served: the node has started, and answers a FIND_NODE over its real port. One probe at a time, however
 * many ask.
 */
export class ReadinessProbe {
  readonly #clock: Clock
  readonly #phase: () => Phase
  readonly #probe: () => Promise<string>
  #last: { readonly atMs: number; readonly found: Promise<HealthCheck> } | undefined

  /** @param probe dials the node as a client does; what it saw in words, or throws */
  constructor(clock: Clock, phase: () => Phase, probe: () => Promise<string>) {
    this.#clock = clock
    this.#phase = phase
    this.#probe = probe
  }

  async read(): Promise<Readiness> {
    const phase = this.#phase()
    const listening: HealthCheck = { name: 'listening', ok: phase === 'running', detail: `the node is ${phase}` }
    const checks = listening.ok ? [listening, await this.#answering()] : [listening]
    return { ready: checks.every(({ ok }) => ok), checks }
  }

  #answering(): Promise<HealthCheck> {
    const nowMs = this.#clock.now()
    if (this.#last === undefined || nowMs - this.#last.atMs >= probeValidMs) {
      this.#last = { atMs: nowMs, found: this.#ask() }
    }
    return this.#last.found
  }

  async #ask(): Promise<HealthCheck> {
    try {
      return { name: 'find-node', ok: true, detail: await this.#probe() }
    } catch (error) {
      return { name: 'find-node', ok: false, detail: messageOf(error) }
    }
  }
}
