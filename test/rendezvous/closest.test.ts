import { createHash } from 'node:crypto'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { describe, expect, it } from 'vitest'
import { bucketSize, closestIn, type RoutingTable } from '../../src/rendezvous/closest.ts'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()
const idOf = (peer: PeerId) => peer.toMultihash().bytes

async function newPeers(count: number): Promise<PeerId[]> {
  return Promise.all(Array.from({ length: count }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))))
}

/** By their definition: the smallest XOR of hashes. */
function nearest(peers: readonly PeerId[], kadId: Uint8Array): PeerId[] {
  const distance = (peer: PeerId) => Buffer.from(sha256(idOf(peer)).map((byte, i) => byte ^ (kadId[i] ?? 0)))
  return peers.toSorted((a, b) => Buffer.compare(distance(a), distance(b)))
}

function tableOf(peers: readonly PeerId[]): RoutingTable {
  return {
    size: peers.length,
    closestPeers: (kadId, { count }) => nearest(peers, kadId).slice(0, count),
    kb: { toIterable: () => peers.map((peerId) => ({ peerId })) }
  }
}

describe('the peers nearest to a key', () => {
  const key = new Uint8Array(Buffer.from('a key'))

  it('are all of a table that fits into an answer', async () => {
    const peers = await newPeers(bucketSize)
    const [self] = await newPeers(1)
    expect(closestIn(tableOf(peers), key, self as PeerId)).toEqual(peers.map(idOf))
  })

  it('are the nearest of a larger one, without this node', async () => {
    const peers = await newPeers(bucketSize + 5)
    const sorted = nearest(peers, sha256(key))
    const [self, ...others] = sorted
    expect(closestIn(tableOf(peers), key, self as PeerId)).toEqual(others.slice(0, bucketSize).map(idOf))
    const [stranger] = await newPeers(1)
    expect(closestIn(tableOf(peers), key, stranger as PeerId)).toEqual(sorted.slice(0, bucketSize + 1).map(idOf))
  })
})
