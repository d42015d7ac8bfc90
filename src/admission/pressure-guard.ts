import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { type Load, Pressure, type Relief, type Shortage } from './pressure.ts'

/** Who lets peers in. */
export interface Gate {
  readonly index: { readonly connections: number }
  readonly refusals: Readonly<Record<string, number>>
  readonly evictions: { readonly pressure: number }
  getMaxConnections(): number
  relieve(relief: Relief): void
}

export interface PressureParts {
  readonly gate: Gate
  readonly clock: Clock
  readonly logger: Logger
  readonly read: () => Omit<Load, 'connections'>
}

/** 600 newcomers a second with TLS take 10 MB of a small container meanwhile. */
export const lookMs = 250
/** While less than half is used of everything: a look is 200 µs, and four a second were a twentieth of an idle node. */
export const calmLookMs = 1_000
const calmShare = 0.5
/** However many connections it costs. */
const sayMs = 60_000

const advice: Record<Shortage, string> = {
  memory: 'give the node more memory, or lower CONN_MANAGER_HIGH_WATER',
  heap: 'start Node with a larger --max-old-space-size, or lower CONN_MANAGER_HIGH_WATER or PROVIDER_MAX_MB',
  files: 'raise the limit of open files (LimitNOFILE=, ulimit -n, NOFILE_LIMIT), or lower CONN_MANAGER_HIGH_WATER'
}

/**
 * Looks at what is short, and tells admission and the log: a line a minute at most, and one for those who were
 * turned away for whatever reason.
 */
export class PressureGuard {
  readonly #parts: PressureParts
  readonly #pressure: Pressure
  readonly #refusals: RefusalReport
  #shortage: Shortage | undefined
  #saidMs = Number.NEGATIVE_INFINITY
  #saidClosed = 0
  #isOverUnsaid = false
  #cancel = () => {}

  constructor(parts: PressureParts) {
    this.#parts = parts
    this.#pressure = new Pressure(parts.gate.getMaxConnections())
    this.#refusals = new RefusalReport(parts.gate)
  }

  /** What is short now; undefined: nothing. */
  get shortage(): Shortage | undefined {
    return this.#shortage
  }

  start(): void {
    this.#lookAfter(lookMs)
  }

  stop(): void {
    this.#cancel()
  }

  #lookAfter(ms: number): void {
    this.#cancel = this.#parts.clock.after(ms, this.#look)
  }

  readonly #look = (): void => {
    const { gate, clock, logger, read } = this.#parts
    const nowMs = clock.now()
    const load = { ...read(), connections: gate.index.connections }
    const relief = this.#pressure.look(load, nowMs)
    gate.relieve(relief)
    this.#say(relief, load, nowMs)
    const refused = this.#refusals.line(nowMs)
    if (refused !== undefined) logger.warn(refused)
    this.#shortage = relief.shortage
    const isCalm = relief.shortage === undefined && Math.max(load.memory, load.heap) < calmShare
    this.#lookAfter(isCalm ? calmLookMs : lookMs)
  }

  #say({ shortage, ceiling }: Relief, load: Load, nowMs: number): void {
    const { logger, gate } = this.#parts
    if (shortage === undefined) {
      if (this.#isOverUnsaid && this.#shortage !== undefined) logger.info(`${names[this.#shortage]} is no longer short`)
      this.#isOverUnsaid = false
      return
    }
    if (nowMs - this.#saidMs < sayMs) return
    this.#saidMs = nowMs
    this.#isOverUnsaid = true
    const closed = gate.evictions.pressure - this.#saidClosed
    this.#saidClosed = gate.evictions.pressure
    const share = shortage === 'files' ? 'all' : `${Math.round(load[shortage] * 100)} %`
    logger.warn(
      `${names[shortage]} is short (${share} in use): at most ${ceiling} connections are kept, ${closed} were closed for it; ${advice[shortage]}`
    )
  }
}

/** How many were turned away, in a line a minute. */
class RefusalReport {
  readonly #gate: Gate
  #saidMs = Number.NEGATIVE_INFINITY
  #said: Readonly<Record<string, number>>

  constructor(gate: Gate) {
    this.#gate = gate
    this.#said = { ...gate.refusals }
  }

  /** Undefined: nobody since the last line, or it is too early for another. */
  line(nowMs: number): string | undefined {
    if (nowMs - this.#saidMs < sayMs) return undefined
    const now = { ...this.#gate.refusals }
    const since = Object.entries(now).map(([reason, n]) => [reason, n - (this.#said[reason] ?? 0)] as const)
    const reasons = since.filter(([, n]) => n > 0)
    if (reasons.length === 0) return undefined
    this.#saidMs = nowMs
    this.#said = now
    const all = reasons.reduce((sum, [, n]) => sum + n, 0)
    const by = reasons.map(([reason, n]) => `${reason} ${n}`).join(', ')
    return `${all} newcomers were refused (${by}); there is room for ${this.#gate.getMaxConnections()} connections`
  }
}

const names: Record<Shortage, string> = {
  memory: 'memory',
  heap: 'the heap',
  files: 'the number of open files'
}
