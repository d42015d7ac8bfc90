import type { Libp2p } from 'libp2p'
import { afterEach, describe, expect, it } from 'vitest'
import { BootstrapNode } from '../src/bootstrap-node.ts'
import { peerstoreGcIntervalMs } from '../src/peers/peerstore-gc.ts'
import { encodeAnswer, encodePeer, encodePeers } from '../src/rendezvous/encode.ts'
import { MessageType } from '../src/rendezvous/wire.ts'
import { SimulatedClock } from './support/clock.ts'
import { testConfig } from './support/config.ts'
import { libp2pClient } from './support/libp2p-client.ts'

const meshsub = '/meshsub/1.2.0'
const recordLifeMs = 48 * 3_600_000
const opened: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

async function client(): Promise<Libp2p> {
  const peer = await libp2pClient()
  await peer.handle(meshsub, () => {})
  opened.push(async () => peer.stop())
  return peer
}

/** What a client of the network does: connects, is identified, opens meshsub, provides a key. */
async function visit(node: BootstrapNode, peer: Libp2p): Promise<void> {
  const connection = await peer.dial(node.libp2p.getMultiaddrs())
  await connection.newStream(meshsub)
  const kad = await connection.newStream('/ipfs/kad/1.0.0')
  const id = peer.peerId.toMultihash().bytes
  const addrs = peer.getMultiaddrs().map(({ bytes }) => bytes)
  const key = new Uint8Array(Buffer.from('a rendezvous'))
  const providerPeers = encodePeers('provider', [{ encoded: encodePeer(id, addrs), connections: 0 }])
  kad.send(encodeAnswer({ type: MessageType.ADD_PROVIDER, clusterLevel: 0, key, providerPeers }))
}

/** The sizes of all that this node keeps for peers. */
function held(node: BootstrapNode) {
  const { connectionManager, rendezvous, pubsub } = node.libp2p.services
  const { index } = connectionManager
  return {
    connections: connectionManager.total,
    peers: index.connectedPeers,
    prefixes: index.prefixes,
    candidates: index.candidates.size,
    contacts: rendezvous.contacts.size,
    records: rendezvous.book.records,
    keys: rendezvous.book.keys,
    recordBytes: rendezvous.book.bytes,
    sources: rendezvous.book.sources,
    routingTable: rendezvous.routingTableSize,
    meshsubStreams: pubsub.gate.sunk
  }
}

const inPeerStore = async (node: BootstrapNode) => (await node.libp2p.peerStore.all()).length

describe.each([
  // the lean connection brings into the peer store only whom a topology wants
  { stack: 'lean', kept: [0, 0, 0] },
  // two cycles: who left since the last one is spared once
  { stack: 'stock', kept: [10, 10, 0] }
])('on the $stack stack', ({ stack, kept: [connected, afterOneCycle, afterTwo] }) => {
  it('nothing is left of peers that have gone, but their records, and of those nothing after their life', async () => {
    const clock = new SimulatedClock()
    const config = testConfig({ CONN_MANAGER_GRACE_PERIOD: '0', CONNECTION_STACK: stack })
    const node = await BootstrapNode.create(config, { clock })
    opened.push(() => node.close())
    const empty = held(node)
    expect(node.status().peerstore).toBe(1)
    const timers = clock.pending

    const peers = await Promise.all(Array.from({ length: 10 }, client))
    await Promise.all(peers.map((peer) => visit(node, peer)))
    await expect.poll(() => held(node)).toMatchObject({ connections: 10, records: 10, meshsubStreams: 10 })
    await expect.poll(() => inPeerStore(node)).toBe(connected)
    expect(node.status().peerstore).toBe(11)

    await Promise.all(peers.map((peer) => peer.stop()))
    const recordBytes = expect.any(Number) as number
    const provided = { ...empty, contacts: 10, records: 10, keys: 1, sources: 1, recordBytes }
    await expect.poll(() => held(node)).toEqual(provided)
    for (const left of [afterOneCycle, afterTwo]) {
      clock.advance(peerstoreGcIntervalMs)
      await expect.poll(() => inPeerStore(node)).toBe(left)
      await expect.poll(() => clock.pending).toBe(timers)
    }
    expect(held(node)).toEqual(provided)

    clock.advance(recordLifeMs)
    await expect.poll(() => held(node)).toEqual(empty)
  }, 60_000)
})
