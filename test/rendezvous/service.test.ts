import { once } from 'node:events'
import { identify } from '@libp2p/identify'
import type { Stream, StreamHandler } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { BootstrapNode } from '../../src/bootstrap-node.ts'
import { FrameReader } from '../../src/frames.ts'
import { keyOf } from '../../src/peers/peer-key.ts'
import { encodeAnswer, encodePeer, encodePeers } from '../../src/rendezvous/encode.ts'
import { kadProtocol } from '../../src/rendezvous/service.ts'
import { decodeRequest, MessageType } from '../../src/rendezvous/wire.ts'
import { testConfig } from '../support/config.ts'
import { peersIn } from './peers-in.ts'

const opened: Array<() => Promise<unknown>> = []
let node: BootstrapNode

beforeEach(async () => {
  node = await BootstrapNode.create(testConfig({ PROVIDER_MAX_PER_PEER: '2' }))
  opened.push(() => node.close())
})

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

/** @param serve what it serves kad with, if it does */
async function peer(serve?: StreamHandler): Promise<Libp2p> {
  const made = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify(), ping: ping() }
  })
  opened.push(async () => made.stop())
  if (serve !== undefined) await made.handle(kadProtocol, serve)
  return made
}

const echo: StreamHandler = (stream) => {
  stream.addEventListener('message', ({ data }) => stream.send(data))
}

/** The next message on a kad stream. */
function nextAnswer(stream: Stream): Promise<Uint8Array> {
  const frames = new FrameReader()
  return new Promise((resolve) => {
    stream.addEventListener('message', ({ data }) => {
      frames.push(data.subarray())
      const next = frames.next()
      if (typeof next !== 'string') resolve(next)
    })
  })
}

function ask(stream: Stream, type: MessageType, key: string, providerPeers?: Uint8Array): void {
  const asked = { type, clusterLevel: 0, key: new Uint8Array(Buffer.from(key)) }
  stream.send(encodeAnswer(providerPeers === undefined ? asked : { ...asked, providerPeers }))
}

/** What a peer says of itself in ADD_PROVIDER. */
function recordOf(id: Uint8Array): Uint8Array {
  const encoded = encodePeer(id, [new Uint8Array([4, 127, 0, 0, 1, 6, 0, 1])])
  return encodePeers('provider', [{ encoded, connections: 0 }])
}

it('takes into the routing table who serves kad, not who only opened a stream', async () => {
  const identified = once(node.libp2p as unknown as EventTarget, 'peer:identify')
  const client = await peer()
  const connection = await client.dial(node.libp2p.getMultiaddrs())
  const stream = await connection.newStream(kadProtocol)
  const answered = nextAnswer(stream)
  ask(stream, MessageType.FIND_NODE, 'somebody')
  await answered
  await identified
  // it opened a stream after it was identified, too
  await connection.newStream(kadProtocol)

  const server = await peer(echo)
  await server.dial(node.libp2p.getMultiaddrs())
  const { rendezvous } = node.libp2p.services
  await expect.poll(() => rendezvous.routingTableSize).toBe(1)
  const found = await connection.newStream(kadProtocol)
  const answer = nextAnswer(found)
  ask(found, MessageType.GET_VALUE, '/pk/x')
  expect(Buffer.from(await answer).includes(Buffer.from(server.peerId.toMultihash().bytes))).toBe(true)
})

it('serves providers on a stream, within the limits of the settings', async () => {
  const client = await peer()
  const connection = await client.dial(node.libp2p.getMultiaddrs())
  const stream = await connection.newStream(kadProtocol)
  const id = client.peerId.toMultihash().bytes
  const self = recordOf(id)
  for (const key of ['k1', 'k2', 'k3']) ask(stream, MessageType.ADD_PROVIDER, key, self)
  const answer = nextAnswer(stream)
  ask(stream, MessageType.GET_PROVIDERS, 'k3')
  expect(decodeRequest(await answer)?.providerPeers.map((listed) => Buffer.from(listed.id))).toEqual([Buffer.from(id)])
  const { book } = node.libp2p.services.rendezvous
  expect([book.records, book.keys, book.sources]).toEqual([2, 2, 1])
  const told = peersIn(book.encodedProviders(new Uint8Array(Buffer.from('k2')), Date.now()))
  expect(told).toMatchObject([{ connected: true }])
})

it('gives the streams of a peer one budget, for as long as it is connected', async () => {
  const { contacts } = node.libp2p.services.rendezvous
  const client = await peer()
  const id = client.peerId.toMultihash().bytes
  const connection = await client.dial(node.libp2p.getMultiaddrs())
  const budget = () => contacts.get(id)?.budget
  await connection.newStream(kadProtocol)
  await expect.poll(budget).toBeDefined()
  const first = budget()
  const stream = await connection.newStream(kadProtocol)
  const answer = nextAnswer(stream)
  // it stays known when it has gone
  ask(stream, MessageType.ADD_PROVIDER, 'k', recordOf(id))
  ask(stream, MessageType.PING, 'x')
  await answer
  expect(budget()).toBe(first)
  await connection.close()
  await expect.poll(budget).toBeUndefined()
  expect(contacts.isProviding(keyOf(id))).toBe(true)
})
