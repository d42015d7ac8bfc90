import { expect, it } from 'vitest'
import { ServiceReports, statusIntervalMs } from '../../src/systemd/service-reports.ts'
import { SimulatedClock } from '../support/clock.ts'
import { collectedLog } from '../support/log.ts'

function setUp(watchdogMs: number | undefined) {
  const clock = new SimulatedClock()
  const { logger, lines } = collectedLog()
  const told: string[] = []
  const node = { peers: 3, open: true }
  const notify = (assignment: string) => void told.push(assignment)
  const reports = new ServiceReports({ supervision: { watchdogMs }, notify, clock, logger })
  const ready = () => reports.ready({ connected: () => node.peers, isListening: () => node.open })
  return { clock, told, node, lines, reports, ready }
}

it('tells nothing before the node serves, then that it does, and each minute how many peers there are', () => {
  const { clock, told, node, ready } = setUp(undefined)
  clock.advance(10 * statusIntervalMs)
  expect(told).toEqual([])
  ready()
  expect(told.splice(0)).toEqual(['READY=1', 'STATUS=serving, 3 peers connected'])
  node.peers = 4
  clock.advance(2 * statusIntervalMs)
  expect(told).toEqual(['STATUS=serving, 4 peers connected', 'STATUS=serving, 4 peers connected'])
})

it('gives a sign of life twice in the time of the watchdog', () => {
  const { clock, told, ready } = setUp(30_000)
  ready()
  told.splice(0)
  clock.advance(30_000)
  expect(told).toEqual(['WATCHDOG=1', 'WATCHDOG=1'])
})

it('gives none while the ports are closed, and says so', () => {
  const { clock, told, node, lines, ready } = setUp(30_000)
  ready()
  told.splice(0)
  node.open = false
  clock.advance(15_000)
  expect(told).toEqual([])
  expect(lines).toEqual([{ level: 'error', text: 'the node does not listen any more; systemd will restart it' }])
  node.open = true
  clock.advance(15_000)
  expect(told).toEqual(['WATCHDOG=1'])
})

it('tells that it stops, and then nothing any more', () => {
  const { clock, told, reports, ready } = setUp(30_000)
  ready()
  told.splice(0)
  reports.stopping()
  clock.advance(10 * statusIntervalMs)
  expect(told).toEqual(['STOPPING=1'])
  expect(clock.pending).toBe(0)
})
