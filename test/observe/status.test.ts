import { pino } from 'pino'
import { expect, it } from 'vitest'
import { processStatus, type Status, startStatusLine, statusIntervalMs, statusLine } from '../../src/observe/status.ts'
import { SimulatedClock } from '../support/clock.ts'

const status: Status = {
  connected: 3,
  peerstore: 4,
  dhtRoutingTable: 5,
  goroutines: 6,
  heapAllocBytes: 7.9 * 1024 * 1024,
  heapInuseBytes: 8 * 1024 * 1024,
  sysBytes: 90 * 1024 * 1024
}
const line = 'Status: connected=3 peerstore=4 dht_rt=5 goroutines=6 heap_alloc=7MB heap_inuse=8MB sys=90MB'

it('has the seven fields of the Go service', () => {
  expect(statusLine(status)).toBe(line)
})

it('reads the process', () => {
  const { goroutines, heapAllocBytes, heapInuseBytes, sysBytes } = processStatus()
  expect(heapAllocBytes).toBeLessThan(heapInuseBytes)
  expect(heapInuseBytes).toBeLessThan(sysBytes)
  expect(goroutines).toBeGreaterThan(0)
})

it('is logged every minute until it is stopped', () => {
  const clock = new SimulatedClock()
  const lines: string[] = []
  const stop = startStatusLine(
    () => status,
    clock,
    pino({}, { write: (text: string) => void lines.push(JSON.parse(text).msg) })
  )
  clock.advance(statusIntervalMs * 3)
  expect(lines).toEqual([line, line, line])
  stop()
  expect(clock.pending).toBe(0)
})
