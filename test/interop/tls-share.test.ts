import { expect, it, onTestFinished } from 'vitest'
import { numberOf, runLoad } from '../../bench/load.ts'
import { maxTlsOfNetwork } from '../../src/admission/tls-offers.ts'
import { Daemon } from '../support/daemon.ts'
import { freePort } from '../support/port.ts'
import { onStock } from '../support/stack.ts'
import { goBinaries } from './harness/go.ts'

const clients = maxTlsOfNetwork + 100
const atOnce = 8

it.skipIf(onStock)('Go clients that are too many of one network for TLS come in over Noise', async () => {
  await goBinaries()
  const [port, adminPort] = [await freePort(), await freePort()]
  const settings = { LIMIT_EXEMPT_NETWORKS: 'none', ADMIN_PORT: String(adminPort) }
  const node = new Daemon(['--port', String(port)], settings)
  onTestFinished(() => void node.process.kill('SIGKILL'))
  await node.started()
  const [, addr] = await node.printed(/Give this address to other nodes: (\S+)/)

  const flags = { n: clients, c: atOnce, sec: 'default', settle: 0, after: 0 }
  const facts = await runLoad('join', { addr: addr!, pid: node.process.pid! }, flags, () => {})
  expect(numberOf(facts, 'joined')).toBe(clients)
  const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text()
  const [, declined] = metrics.match(/^bootstrap_tls_declined_total (\d+)$/m) ?? []
  // some are under way when the last of those who may have it arrives
  expect(Number(declined)).toBeGreaterThanOrEqual(clients - maxTlsOfNetwork - atOnce)
  expect(Number(declined)).toBeLessThanOrEqual(clients - maxTlsOfNetwork)
})
