import { afterEach, expect, it } from 'vitest'
import { Sampler, stepMs } from '../../../src/observe/status-page/sampler.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { collectedLog } from '../../support/log.ts'
import { FakeMetrics } from './metrics.ts'

const stops: (() => void)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

function setUp(metrics = new FakeMetrics()) {
  const clock = new SimulatedClock()
  const { logger, lines } = collectedLog()
  const sampler = new Sampler(metrics, clock, logger)
  stops.push(() => sampler.stop())
  sampler.start()
  /** Lets a step happen, and its reading arrive. */
  const step = async (times = 1) => {
    for (let i = 0; i < times; i++) {
      await new Promise(setImmediate)
      clock.advance(stepMs)
      await new Promise(setImmediate)
    }
  }
  return { clock, metrics, sampler, step, lines }
}

it('keeps a point for each step but the first, with the rates since the last', async () => {
  const { metrics, sampler, step } = setUp()
  metrics.set('bootstrap_connections_opened_total', 0)
  await step()
  metrics.set('bootstrap_connections_opened_total', 50)
  await step()
  expect(sampler.history(1).series.joins).toEqual([0, 5])
})

it('has rates of the last minute, whoever asks', async () => {
  const { metrics, sampler, step } = setUp()
  metrics.set('bootstrap_connections_opened_total', 600)
  await step(30)
  expect((await sampler.figures()).joinsPerSecond).toBe(0)
  metrics.set('bootstrap_connections_opened_total', 660)
  await step()
  const { joinsPerSecond, windowSeconds } = await sampler.figures()
  expect([joinsPerSecond, windowSeconds]).toEqual([1, 60])
})

it('reads once for all who ask within 2 s', async () => {
  const { clock, metrics, sampler, step } = setUp()
  await step()
  const before = metrics.reads
  clock.advance(3_000)
  await Promise.all(Array.from({ length: 50 }, () => sampler.figures()))
  expect(metrics.reads).toBe(before + 1)
  clock.advance(2_000)
  await sampler.figures()
  expect(metrics.reads).toBe(before + 2)
})

it('goes on when a reading fails, and says so', async () => {
  const { metrics, sampler, step, lines } = setUp()
  await step()
  const { getMetricsAsJSON } = metrics
  metrics.getMetricsAsJSON = () => Promise.reject(new Error('a gauge failed'))
  await step()
  metrics.getMetricsAsJSON = getMetricsAsJSON
  await step(2)
  expect(sampler.history(1).times).toHaveLength(3)
  expect(lines).toEqual([{ level: 'warn', text: 'the metrics could not be read for the status page' }])
})

it('leaves no timer behind', async () => {
  const { clock, sampler, step } = setUp()
  await step(2)
  sampler.stop()
  expect(clock.pending).toBe(0)
})

it('does not go on when it was stopped during a reading', async () => {
  const { clock, sampler } = setUp()
  sampler.stop()
  await new Promise(setImmediate)
  expect(clock.pending).toBe(0)
})
