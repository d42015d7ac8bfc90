import type { Clock } from '../clock.ts'
import { type EventLoopDelay, EventLoopMonitor } from './event-loop.ts'

/** Whoever reads at least so often misses nothing. */
export const windowMs = 30_000

const nothing: EventLoopDelay = { maxMs: 0, p50Ms: 0, p99Ms: 0 }

/** The part of {@link EventLoopMonitor} that is needed. */
export type DelayMonitor = Pick<EventLoopMonitor, 'start' | 'stop' | 'read' | 'reset'>

/** How late the event loop was, for all who want to know: a monitor of one's own would wake an idle process as often again. */
export class EventLoopWindow {
  readonly #clock: Clock
  readonly #monitor: DelayMonitor
  #last = nothing
  /** Before the window that runs, since it was taken. */
  #untaken = nothing
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

  /** Within the last 30 to 60 s: the worse of the last whole window and the one that runs, whoever else reads it and when. */
  read(): EventLoopDelay {
    return worse(this.#last, this.#monitor.read())
  }

  /** Since the last {@link take}. */
  get untaken(): EventLoopDelay {
    return worse(this.#untaken, this.#monitor.read())
  }

  /** For one reader that tells of each delay once. Begins a window, so best called every whole number of {@link windowMs}. */
  take(): void {
    this.#cancel()
    this.#turn()
    this.#untaken = nothing
  }

  readonly #turn = (): void => {
    this.#last = this.#monitor.read()
    this.#untaken = worse(this.#untaken, this.#last)
    this.#monitor.reset()
    this.#cancel = this.#clock.after(windowMs, this.#turn)
  }
}

function worse(one: EventLoopDelay, other: EventLoopDelay): EventLoopDelay {
  return {
    maxMs: Math.max(one.maxMs, other.maxMs),
    p50Ms: Math.max(one.p50Ms, other.p50Ms),
    p99Ms: Math.max(one.p99Ms, other.p99Ms)
  }
}
