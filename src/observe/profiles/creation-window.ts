import { createHook } from 'node:async_hooks'
import { setTimeout as delay } from 'node:timers/promises'

/** What was made within the window and still lives at its end. */
export interface Created {
  readonly kind: string
  /** The call that made it, one frame a line, as V8 prints it. */
  readonly stack: string
}

export interface CreationWindow {
  readonly alive: readonly Created[]
  /** Made while `MAX_TRACKED` others lived: not looked at. */
  readonly leftOut: number
}

/** About 2 KB each while the window is open. */
const MAX_TRACKED = 10_000
/** Ticks live for one turn, and promises are too many to watch (and the hook that sees them costs most). */
const IGNORED = new Set(['PROMISE', 'TickObject', 'Microtask'])

interface Tracked {
  readonly kind: string
  /** Written by V8 when it is first read: only survivors pay for it. */
  stack?: string
}

/**
 * Watches for `seconds` what is created, where, and not destroyed. async_hooks slow down everything that is asynchronous,
 * so that the window is opened on demand and always closed.
 */
export async function watchCreations(seconds: number, signal: AbortSignal): Promise<CreationWindow> {
  const living = new Map<number, Tracked>()
  let leftOut = 0
  function init(asyncId: number, kind: string): void {
    if (IGNORED.has(kind)) return
    if (living.size >= MAX_TRACKED) {
      leftOut++
      return
    }
    const tracked: Tracked = { kind }
    Error.captureStackTrace(tracked, init)
    living.set(asyncId, tracked)
  }
  const end = delay(seconds * 1000, undefined, { signal }) // before the hook: the window does not see itself
  const hook = createHook({ init, destroy: (asyncId) => living.delete(asyncId) }).enable()
  try {
    await end
  } finally {
    hook.disable()
  }
  const alive = Array.from(living.values(), ({ kind, stack }) => ({ kind, stack: callsOf(stack ?? '') }))
  return { alive, leftOut }
}

/** Without the first line, which is the message of an error that is none, and without Node's bookkeeping of the hook. */
function callsOf(stack: string): string {
  return stack
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at ') && !line.includes('node:internal/async_hooks'))
    .join('\n')
}
