import { getHeapSpaceStatistics } from 'node:v8'
import { expect, it } from 'vitest'
import { collectAll, collectYoung } from '../../src/memory/collector.ts'

it('the young generation is collected, and with it the Buffers that only it knew', async () => {
  const few = () => process.memoryUsage().arrayBuffers / 2 ** 20
  collectYoung()
  const before = few()
  for (let i = 0; i < 256; i++) Buffer.allocUnsafeSlow(64 * 1024)
  expect(few()).toBeGreaterThan(before + 8)
  collectYoung()
  // V8 frees them on another thread
  await expect.poll(few).toBeLessThan(before + 4)
})

it('nobody else is given the collector', () => {
  collectYoung()
  expect(globalThis.gc).toBeUndefined()
})

it('everything is collected, and pages with little on them are given back', async () => {
  const oldMB = () =>
    (getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_size ?? 0) / 2 ** 20
  await collectAll()
  const before = oldMB()
  const all: object[][] = []
  for (let i = 0; i < 400_000; i++) all.push([{ i }, { i }])
  collectYoung()
  collectYoung()
  expect(oldMB()).toBeGreaterThan(before + 20)
  // one object of a page stays
  const some = all.filter((_, i) => i % 4_000 === 0)
  all.length = 0
  await collectAll()
  expect(some).toHaveLength(100)
  expect(oldMB()).toBeLessThan(before + 10)
})
