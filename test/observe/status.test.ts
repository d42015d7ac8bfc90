import { pino } from 'pino'
import { expect, it } from 'vitest'
import { memoryStatus, type Status, startStatusLine, statusIntervalMs, statusLine } from '../../src/observe/status.ts'
import { SimulatedClock } from '../support/clock.ts'

const status: Status = {
  connected: 3,
  peerstore: 4,
  dhtRoutingTable: 5,
  goroutines: 6,
  heapAllocBytes: 7.9 * 1024 * 1024,
  heapInuseBytes: 8 * 1024 * 1024,
  sysBytes: 90 * 1024 * 1024,
  eventLoopDelay: { maxMs: 0, p50Ms: 0, p99Ms: 0 },
  endings: { handshakes: {}, connections: {} },
  state: undefined
}
const line = 'Status: connected=3 peerstore=4 dht_rt=5 goroutines=6 heap_alloc=7MB heap_inuse=8MB sys=90MB'

it('has the seven fields of the Go service', () => {
  expect(statusLine(status)).toBe(line)
})

it('reads the process', () => {
  const { heapAllocBytes, heapInuseBytes, sysBytes } = memoryStatus()
  expect(heapAllocBytes).toBeLessThan(heapInuseBytes)
  expect(heapInuseBytes).toBeLessThan(sysBytes)
})

it('is logged every minute until it is stopped', () => {
  const clock = new SimulatedClock()
  const lines: string[] = []
  let resets = 0
  const stop = startStatusLine(
    () => status,
    () => resets++,
    clock,
    pino({}, { write: (text: string) => void lines.push(JSON.parse(text).msg) })
  )
  clock.advance(statusIntervalMs * 3)
  expect(lines).toEqual([line, line, line])
  expect(resets).toBe(3)
  stop()
  expect(clock.pending).toBe(0)
})

it('says when the event loop was blocked so long that peers give up', () => {
  const clock = new SimulatedClock()
  const lines: string[] = []
  startStatusLine(
    () => ({ ...status, eventLoopDelay: { maxMs: 1_500.4, p50Ms: 0, p99Ms: 2 } }),
    () => {},
    clock,
    pino({}, { write: (text: string) => void lines.push(JSON.parse(text).msg) })
  )
  clock.advance(statusIntervalMs)
  expect(lines).toEqual([line, 'the event loop was blocked for 1500 ms, and no peer was served'])
})

it('says each time that the state cannot be saved', () => {
  const clock = new SimulatedClock()
  const lines: string[] = []
  const problem = { reason: 'no space left on device', forMs: 61_400 }
  startStatusLine(
    () => ({ ...status, state: { problem, pending: 7, setAside: [] } }),
    () => {},
    clock,
    pino({}, { write: (text: string) => void lines.push(JSON.parse(text).msg) })
  )
  clock.advance(2 * statusIntervalMs)
  const said = 'the state is not saved for 61 s (no space left on device); 7 changes wait'
  expect(lines).toEqual([line, said, line, said])
})
