import pino from 'pino'
import { expect, it } from 'vitest'
import { calmLooks, lookEveryMs, type MemoryReading } from '../../src/memory/excess.ts'
import { startGiveBack } from '../../src/memory/give-back.ts'
import { SimulatedClock } from '../support/clock.ts'

const mebibyte = 1024 * 1024

it('measures the node as it starts, collects what a flood has left, and says so once', async () => {
  const clock = new SimulatedClock()
  const lines: string[] = []
  const logger = pino({}, { write: (line: string) => void lines.push(line) })
  let residentMB = 100
  let collections = 0
  const read = (): MemoryReading => ({
    residentBytes: residentMB * mebibyte,
    heapUsedBytes: 25 * mebibyte,
    connections: 0,
    busyShare: 0.1
  })
  const collect = async () => {
    collections++
    residentMB = 105
  }
  const end = startGiveBack({ read, clock, logger, collect })
  residentMB = 200
  // the first look was at the start
  clock.advance((calmLooks - 1) * lookEveryMs)
  expect(collections).toBe(1)
  clock.advance(10 * lookEveryMs)
  await expect.poll(() => lines).toHaveLength(1)
  expect(collections).toBe(1)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ residentMB: 200, level: 30 })
  end()
  expect(clock.pending).toBe(0)
})
