/** Time as the rooms see it: passed in, so that a test can move it. */
export interface Clock {
  /** Milliseconds that never go backwards. */
  now(): number
  /** Calls `fn` once after `ms`; the result cancels. A pending call does not keep the process alive. */
  after(ms: number, fn: () => void): () => void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms)
    timer.unref()
    return () => clearTimeout(timer)
  }
}

/** Wall time that does not jump, in ms since 1970: what was right when the process began, and goes on from there. */
export function wallMs(clock: Clock): number {
  return performance.timeOrigin + clock.now()
}
