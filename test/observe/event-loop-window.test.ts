import { expect, it } from 'vitest'
import type { EventLoopDelay } from '../../src/observe/event-loop.ts'
import { EventLoopWindow, windowMs } from '../../src/observe/event-loop-window.ts'
import { SimulatedClock } from '../support/clock.ts'

const none = { maxMs: 0, p50Ms: 0, p99Ms: 0 }

class FakeMonitor {
  delay: EventLoopDelay = none
  started = false
  start() {
    this.started = true
  }
  stop() {
    this.started = false
  }
  read() {
    return this.delay
  }
  reset() {
    this.delay = none
  }
}

it('shows a delay for at least a window and at most two, however often it is read', () => {
  const [clock, monitor] = [new SimulatedClock(), new FakeMonitor()]
  const window = new EventLoopWindow(clock, monitor)
  window.start()
  expect(monitor.started).toBe(true)
  clock.advance(windowMs - 1)
  const late = { maxMs: 900, p50Ms: 3, p99Ms: 40 }
  monitor.delay = late
  expect([window.read(), window.read()]).toEqual([late, late])
  clock.advance(windowMs)
  expect(monitor.delay).toEqual(none)
  monitor.delay = { maxMs: 20, p50Ms: 5, p99Ms: 10 }
  expect(window.read()).toEqual({ maxMs: 900, p50Ms: 5, p99Ms: 40 })
  clock.advance(1)
  expect(window.read()).toEqual({ maxMs: 20, p50Ms: 5, p99Ms: 10 })
  window.stop()
  expect([monitor.started, clock.pending]).toEqual([false, 0])
})

it('tells of each delay once, however long nobody took it', () => {
  const [clock, monitor] = [new SimulatedClock(), new FakeMonitor()]
  const window = new EventLoopWindow(clock, monitor)
  window.start()
  const [first, second] = [
    { maxMs: 900, p50Ms: 3, p99Ms: 40 },
    { maxMs: 20, p50Ms: 5, p99Ms: 10 }
  ]
  monitor.delay = first
  clock.advance(windowMs)
  monitor.delay = second
  expect(window.untaken).toEqual({ maxMs: 900, p50Ms: 5, p99Ms: 40 })
  window.take()
  expect([window.untaken, window.read()]).toEqual([none, second])
  clock.advance(windowMs)
  expect([window.untaken, window.read()]).toEqual([none, none])
  window.stop()
  expect(clock.pending).toBe(0)
})
