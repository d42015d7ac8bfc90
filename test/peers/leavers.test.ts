import type { Libp2p } from 'libp2p'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { BootstrapNode } from '../../src/bootstrap-node.ts'
import { testConfig } from '../support/config.ts'
import { libp2pClient } from '../support/libp2p-client.ts'
import { onStock } from '../support/stack.ts'

const protocol = '/a/1.0.0'
let node: BootstrapNode
let client: Libp2p

beforeEach(async () => {
  node = await BootstrapNode.create(testConfig())
  const other = await libp2pClient()
  onTestFinished(async () => {
    await other.stop()
    await node.close()
  })
  client = other
})

/** Once all who are told have been told. */
async function comeAndLeave(): Promise<void> {
  const { services } = node.libp2p
  const left = new Promise((resolve) => node.libp2p.addEventListener('peer:disconnect', resolve, { once: true }))
  await client.dial(node.libp2p.getMultiaddrs())
  const { index } = services.connectionManager
  await expect.poll(() => [index.connections, index.strangers.size]).toEqual([1, 0])
  await client.stop()
  await left
}

// on the stock stack everybody is in the peer store
it.skipIf(onStock)('who leaves is not looked up when the peer store does not have it', async () => {
  const asked = vi.spyOn(node.libp2p.peerStore, 'get')
  await comeAndLeave()
  expect(asked).not.toHaveBeenCalled()
})

it('who asks for peers with a protocol hears when one leaves', async () => {
  const came: string[] = []
  const left: string[] = []
  await client.handle(protocol, () => {})
  await node.libp2p.register(protocol, {
    onConnect: (peer) => void came.push(String(peer)),
    onDisconnect: (peer) => void left.push(String(peer))
  })
  await comeAndLeave()
  await expect.poll(() => left).toEqual([String(client.peerId)])
  expect(came).toEqual(left)
})
