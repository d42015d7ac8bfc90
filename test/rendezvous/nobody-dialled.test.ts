import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { KEEP_ALIVE, type PeerId, type StreamHandler } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { BootstrapNode } from '../../src/bootstrap-node.ts'
import { FrameReader } from '../../src/frames.ts'
import { encodeAnswer, encodePeer, encodePeers } from '../../src/rendezvous/encode.ts'
import { kadProtocol } from '../../src/rendezvous/service.ts'
import { decodeRequest, MessageType } from '../../src/rendezvous/wire.ts'
import { testConfig } from '../support/config.ts'
import { libp2pClient } from '../support/libp2p-client.ts'

const opened: Array<() => Promise<unknown>> = []
let node: BootstrapNode
let victim: Server
/** Connections that reached somebody who has nothing to do with this network. */
let dialled: number

beforeEach(async () => {
  node = await BootstrapNode.create(testConfig())
  opened.push(() => node.close())
  dialled = 0
  victim = createServer((socket) => {
    dialled++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  opened.push(async () => victim.close())
  await once(victim, 'listening')
})

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

const addressOfVictim = () => multiaddr(`/ip4/127.0.0.1/tcp/${(victim.address() as AddressInfo).port}`)

/** A peer that was here, has said that it serves kad at the victim's address, and has left. */
async function goneServer(): Promise<PeerId> {
  const id = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  await node.libp2p.peerStore.merge(id, { multiaddrs: [addressOfVictim()], protocols: [kadProtocol] })
  return id
}

/** A DHT server by its own word. */
async function server(serve: StreamHandler): Promise<void> {
  const made = await libp2pClient()
  opened.push(async () => made.stop())
  await made.handle(kadProtocol, serve)
  await made.handle('/ipfs/ping/1.0.0', (stream) => {
    stream.addEventListener('message', ({ data }) => stream.send(data))
  })
  await made.dial(node.libp2p.getMultiaddrs())
}

/** Names the same peer as the closest to whatever it is asked for, and notes in `asked` what that was. */
function naming(closer: PeerId, asked: unknown[]): StreamHandler {
  const encoded = encodePeer(closer.toMultihash().bytes, [addressOfVictim().bytes])
  const closerPeers = encodePeers('closer', [{ encoded, connections: 0 }])
  return (stream) => {
    const frames = new FrameReader()
    stream.addEventListener('message', ({ data }) => {
      frames.push(data.subarray())
      for (let next = frames.next(); typeof next !== 'string'; next = frames.next()) {
        asked.push(decodeRequest(next)?.type)
        stream.send(encodeAnswer({ type: MessageType.FIND_NODE, clusterLevel: 0, closerPeers }))
      }
    })
  }
}

it('asks DHT servers that are connected, and dials nobody of whom they tell', async () => {
  const { rendezvous } = node.libp2p.services
  const asked: unknown[] = []
  const gone = await goneServer()
  await server(naming(gone, asked))
  await expect.poll(() => rendezvous.routingTableSize).toBe(1)
  const events: string[] = []
  for await (const { name } of rendezvous.dht.getClosestPeers(gone.toMultihash().bytes)) events.push(name)
  expect(asked).toContain(MessageType.FIND_NODE)
  expect(events).toContain('QUERY_ERROR')
  expect(dialled).toBe(0)
})

it('dials no DHT server that leaves, though kad-dht wants to stay in touch with it', async () => {
  const { peerStore } = node.libp2p
  const peer = await libp2pClient()
  await peer.handle(kadProtocol, () => {})
  await peer.dial(node.libp2p.getMultiaddrs())
  await expect.poll(async () => (await peerStore.get(peer.peerId)).protocols).toContain(kadProtocol)
  await peerStore.patch(peer.peerId, { multiaddrs: [addressOfVictim()] })
  // as closest-peers.ts of kad-dht 16.4.5 does
  await peerStore.merge(peer.peerId, { tags: { [`${KEEP_ALIVE}-kad-dht`]: { value: 50 } } })
  await peer.stop()
  await expect.poll(() => node.libp2p.getConnections()).toEqual([])
  await setImmediate()
  expect(dialled).toBe(0)
})

it('takes nobody into the routing table who has left before its turn came, and does not dial him', async () => {
  const { rendezvous } = node.libp2p.services
  const { routingTable } = rendezvous.dht as unknown as { routingTable: { add(peer: PeerId): Promise<void> } }
  await routingTable.add(await goneServer())
  expect(rendezvous.routingTableSize).toBe(0)
  expect(dialled).toBe(0)
})
