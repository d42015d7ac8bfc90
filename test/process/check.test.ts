import { expect, it, onTestFinished, vi } from 'vitest'
import { BootstrapNode } from '../../src/bootstrap-node.ts'
import { testConfig } from '../support/config.ts'
import { Daemon } from '../support/daemon.ts'
import { onStock } from '../support/stack.ts'

it.skipIf(onStock)('the built check takes Noise from a node that does not offer TLS', async () => {
  const node = await BootstrapNode.create(testConfig())
  onTestFinished(() => node.close())
  vi.spyOn(node.libp2p.services.connectionManager, 'mayUseTls').mockReturnValue(false)
  const check = new Daemon(['check', String(node.libp2p.getMultiaddrs()[0])])
  expect({ code: await check.ended(), stderr: check.stderr }).toEqual({ code: 0, stderr: '' })
  expect(check.stdout).toContain('/noise')
})
