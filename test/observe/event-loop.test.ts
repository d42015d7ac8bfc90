import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { EventLoopMonitor } from '../../src/observe/event-loop.ts'

const monitor = new EventLoopMonitor()
afterEach(() => monitor.stop())

it('sees what blocks the event loop, until it is reset', async () => {
  expect(monitor.read()).toEqual({ maxMs: 0, p50Ms: 0, p99Ms: 0 })
  monitor.start()
  await wait(700) // two looks: the first has nothing to compare with
  const end = performance.now() + 600
  while (performance.now() < end);
  await expect.poll(() => monitor.read().maxMs).toBeGreaterThan(250)
  monitor.reset()
  expect(monitor.read().maxMs).toBe(0)
})
