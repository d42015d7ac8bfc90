import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, it, vi } from 'vitest'
import { mended, newPeerId, stockNode, stockServices } from './support.ts'

afterEach(() => void vi.useRealTimers())

it('the addresses of a peer are gone after an hour, the peer after six', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const { peerStore } = await stockNode({ start: false, services: stockServices })
  const peer = await newPeerId()
  const news = mended('@libp2p/peer-store', 'what it knows does not age', 'the option peerStore in src/host/host.ts')
  await peerStore.patch(peer, { multiaddrs: [multiaddr('/ip4/198.51.100.1/tcp/1')] })
  expect((await peerStore.get(peer)).addresses).toHaveLength(1)
  vi.setSystemTime(Date.now() + 3_600_001)
  expect((await peerStore.get(peer)).addresses, news).toHaveLength(0)
  vi.setSystemTime(Date.now() + 5 * 3_600_000)
  await expect(peerStore.get(peer), news).rejects.toThrow(/not found/i)
})
