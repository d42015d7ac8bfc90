import { expect, it, onTestFinished } from 'vitest'
import { numberOf, runLoad } from '../../bench/load.ts'
import { Daemon } from '../support/daemon.ts'
import { freePort } from '../support/port.ts'
import { goBinaries } from './harness/go.ts'

/** The empty node takes some 20 MB of heap, 27 with the garbage of its start, and each of these clients 5 KB: they do not all fit. */
const heapMb = 32
const clients = 3_500

it('a heap that is too small for those who come costs connections, not the node', async () => {
  await goBinaries()
  const settings = {
    CONN_MANAGER_LOW_WATER: '4000',
    CONN_MANAGER_HIGH_WATER: '5000',
    CONN_MANAGER_GRACE_PERIOD: '1',
    CONNECTION_STACK: 'lean'
  }
  const args = ['--port', String(await freePort())]
  const node = new Daemon(args, settings, { node: [`--max-old-space-size=${heapMb}`] })
  onTestFinished(() => void node.process.kill('SIGKILL'))
  await node.started()
  const [, addr] = await node.printed(/Give this address to other nodes: (\S+)/)

  const flags = { n: clients, sec: 'noise', rate: 700, settle: 2, after: 1 }
  const facts = await runLoad('join', { addr: addr!, pid: node.process.pid! }, flags, () => {})
  expect(numberOf(facts, 'joined')).toBeGreaterThan(200)
  expect(numberOf(facts, 'joined')).toBeLessThan(clients)
  expect(node.stdout.match(/the heap is short \(9\d % in use\)/g)?.length).toBe(1)
  expect(node.process.exitCode).toBeNull()

  // they have left: the next one is served
  const served = async () => new Daemon(['check', addr!]).ended()
  await expect.poll(served, { timeout: 30_000, interval: 1_000 }).toBe(0)
  expect(await node.stop()).toBe(0)
})
