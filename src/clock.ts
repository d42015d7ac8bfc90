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

/**
 * How far the machine's wall time is ahead of {@link wallMs}, in ms: changes when somebody sets the clock (a machine without a
 * battery begins in 1970), and when the machine has slept.
 */
export function wallShiftMs(clock: Clock, machineMs: () => number = Date.now): number {
  return machineMs() - wallMs(clock)
}

/** What is kept for hours does not suffer from less. */
export const worthMentioningMs = 60_000
const lookEveryMs = 10_000

/**
 * Looks every 10 s whether the machine's clock was set.
 *
 * @param onSet told by how many ms, below 0 for back
 * @returns ends it
 */
export function watchWallTime(
  clock: Clock,
  onSet: (byMs: number) => void,
  machineMs: () => number = Date.now
): () => void {
  let knownMs = wallShiftMs(clock, machineMs)
  let cancel = clock.after(lookEveryMs, look)
  return () => cancel()

  function look(): void {
    cancel = clock.after(lookEveryMs, look)
    const byMs = wallShiftMs(clock, machineMs) - knownMs
    if (Math.abs(byMs) < worthMentioningMs) return
    knownMs += byMs
    onSet(byMs)
  }
}
