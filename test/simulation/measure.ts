import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const resolutionMs = 10

export interface Cost {
  readonly cpuMs: number
  /** Longest time in which the event loop did nothing else. */
  readonly blockedMs: number
}

/** What something costs this process. */
export async function costOf(act: () => unknown): Promise<Cost> {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  // the monitor notes the time between two looks: there has to be one before and one after
  await wait(3 * resolutionMs)
  const before = process.cpuUsage()
  await act()
  await nextTurn()
  const { user, system } = process.cpuUsage(before)
  await wait(3 * resolutionMs)
  delay.disable()
  return {
    cpuMs: (user + system) / 1000,
    blockedMs: Math.max(0, delay.max / 1e6 - resolutionMs)
  }
}

let collectGarbage: (() => void) | undefined

/** Heap and external memory that is in use, in bytes. */
export async function memoryInUse(): Promise<number> {
  setFlagsFromString('--expose-gc')
  collectGarbage ??= runInNewContext('gc') as () => void
  for (let i = 0; i < 3; i++) {
    collectGarbage()
    await nextTurn()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
