import type { Clock } from '../../clock.ts'
import { type EventLoopDelay, EventLoopMonitor } from '../event-loop.ts'

/** Whoever reads at least so often misses nothing. */
export const windowMs = 30_000

const nothing: EventLoopDelay = { maxMs: 0, p50Ms: 0, p99Ms: 0 }

/** The part of {@link EventLoopMonitor} that is needed. */
export type DelayMonitor = Pick<EventLoopMonitor, 'start' | 'stop' | 'read' | 'reset'>

/**
 * How late the event loop was within the last 30 to 60 s: the worse of the last whole window and the one that runs. It does not
 * depend on who reads it and when, so several may.
 */
export class EventLoopWindow {
  readonly #clock: Clock
  readonly #monitor: DelayMonitor
  #last = nothing
  #cancel = () => {}

  constructor(clock: Clock, monitor: DelayMonitor = new EventLoopMonitor()) {
    this.#clock = clock
    this.#monitor = monitor
  }

  start(): void {
    this.#monitor.start()
    this.#cancel = this.#clock.after(windowMs, this.#turn)
  }

  stop(): void {
    this.#cancel()
    this.#monitor.stop()
  }

  read(): EventLoopDelay {
    const [last, now] = [this.#last, this.#monitor.read()]
    return {
      maxMs: Math.max(last.maxMs, now.maxMs),
      p50Ms: Math.max(last.p50Ms, now.p50Ms),
      p99Ms: Math.max(last.p99Ms, now.p99Ms)
    }
  }

  readonly #turn = (): void => {
    this.#last = this.#monitor.read()
    this.#monitor.reset()
    this.#cancel = this.#clock.after(windowMs, this.#turn)
  }
}
