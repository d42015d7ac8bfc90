import { expect, it, onTestFinished } from 'vitest'
import { BootstrapNode } from '../../src/bootstrap-node.ts'
import { yamuxClient } from '../connection/lean/raw-client.ts'
import { SimulatedClock } from '../support/clock.ts'
import { testConfig } from '../support/config.ts'
import { onStock } from '../support/stack.ts'

const graceMs = 1_000

async function nodeWith(environment: Record<string, string>) {
  const clock = new SimulatedClock()
  const node = await BootstrapNode.create(
    testConfig({ CONN_MANAGER_GRACE_PERIOD: `${graceMs / 1_000}`, ...environment }),
    { clock }
  )
  onTestFinished(() => node.close())
  const [, tcp] = node.libp2p.getMultiaddrs()[0]?.getComponents() ?? []
  const admission = node.libp2p.services.connectionManager
  const join = async (localAddress: string) => {
    const before = admission.index.connections + admission.evictions.prefix + admission.refusals.prefixFull
    const { raw } = await yamuxClient(Number(tcp?.value), { localAddress })
    await expect
      .poll(() => admission.index.connections + admission.evictions.prefix + admission.refusals.prefixFull)
      .toBe(before + 1)
    return raw
  }
  return { clock, admission, join }
}

it.skipIf(onStock)('a newcomer takes the place of the oldest of its own address, and nobody else pays', async () => {
  const { clock, admission, join } = await nodeWith({
    LIMIT_EXEMPT_NETWORKS: 'none',
    LIMIT_CONNECTIONS_PER_ADDRESS: '2'
  })
  const other = await join('127.1.0.3')
  const first = await join('127.0.0.2')
  await join('127.0.0.2')
  const early = await join('127.0.0.2')
  await early.closed
  expect([admission.evictions.prefix, admission.refusals.prefixFull]).toEqual([0, 1])
  clock.advance(graceMs)
  await join('127.0.0.2')
  await first.closed
  expect([other.socket.closed, admission.evictions.prefix, admission.index.connections]).toEqual([false, 1, 3])
})

it.skipIf(onStock)('by default loopback, where a gateway may be, has no limit', async () => {
  const { admission, join } = await nodeWith({ LIMIT_CONNECTIONS_PER_ADDRESS: '2', LIMIT_HANDSHAKES_PER_ADDRESS: '1' })
  for (let i = 0; i < 25; i++) await join('127.0.0.2')
  expect([admission.index.connections, admission.refusals.prefixFull]).toEqual([25, 0])
})
