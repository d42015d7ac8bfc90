import { gossipsub } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { meshParameters, peerScore, scoreThresholds } from '../../src/pubsub/parameters.ts'
import { mended, newPeerId, stockNode, stockServices } from './support.ts'

interface Internals {
  readonly score: { readonly peerStats: Map<string, unknown>; readonly scoreCache: Map<string, unknown> }
  addPeer(peer: PeerId, direction: 'inbound', address: Multiaddr): void
  removePeer(peer: PeerId): void
}

it('a score stays in its cache for every peer that ever came', async () => {
  const pubsub = gossipsub({ ...meshParameters, scoreParams: peerScore('/powerloom', 'self'), scoreThresholds })
  const { services } = await stockNode({ start: false, services: { ...stockServices, pubsub } })
  const router = services.pubsub as unknown as Internals
  for (let i = 0; i < 20; i++) {
    const peer = await newPeerId()
    router.addPeer(peer, 'inbound', multiaddr('/ip4/198.51.100.1/tcp/1'))
    router.removePeer(peer)
  }
  expect(router.score.peerStats.size).toBe(0)
  const news = mended('@libp2p/gossipsub', 'scores go with their peer', 'src/pubsub/topic-gate.ts')
  expect(router.score.scoreCache.size, news).toBe(20)
})
