import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { Key } from 'interface-datastore'
import { pino } from 'pino'
import { beforeEach, expect, it } from 'vitest'
import { PeerDatastore } from '../../src/peers/peer-datastore.ts'
import { peerKey } from '../../src/peers/peer-key.ts'
import { PeerstoreGc, peerstoreGcIntervalMs, startPeerstoreGc } from '../../src/peers/peerstore-gc.ts'
import { SimulatedClock } from '../support/clock.ts'

const never = new AbortController().signal
const key = (peer: PeerId) => new Key(`/peers/${peer.toCID().toString()}`)
const newPeer = async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))

let store: PeerDatastore
let lines: Array<{ level: number; msg: string }>
let connected: Set<string>
let self: PeerId
let gc: PeerstoreGc
const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) })

async function known(): Promise<PeerId> {
  const peer = await newPeer()
  await store.put(key(peer), new Uint8Array())
  return peer
}

beforeEach(async () => {
  store = new PeerDatastore()
  lines = []
  connected = new Set()
  self = await newPeer()
  await store.put(key(self), new Uint8Array())
  gc = new PeerstoreGc({
    store,
    peerStore: { delete: async (peer: PeerId) => store.delete(key(peer)) },
    connections: {
      isConnected: (peer) => connected.has(peer),
      get connectedPeers() {
        return connected.size
      }
    },
    self,
    logger
  })
})

it('removes who is away for two cycles, and says so in the words of the Go service', async () => {
  const here = await known()
  connected.add(peerKey(here))
  await known()
  await known()
  await gc.collect(never)
  expect(store.peerCount).toBe(4)
  await gc.collect(never)
  expect(store.peerCount).toBe(2)
  expect(lines.at(-1)).toMatchObject({
    level: 30,
    msg: 'Peerstore GC: removed 2 stale peers, 2 remaining (connected: 1)'
  })
})

it('says nothing at info when there was nothing to remove', async () => {
  await gc.collect(never)
  expect(lines).toMatchObject([{ level: 20, msg: 'Peerstore GC: removed 0 stale peers, 1 remaining (connected: 0)' }])
})

it('never removes itself, nor who came back between two cycles', async () => {
  const peer = await known()
  await gc.collect(never)
  connected.add(peerKey(peer))
  await gc.collect(never)
  connected.clear()
  await gc.collect(never)
  expect(store.peerCount).toBe(2)
  await gc.collect(never)
  expect(store.peerCount).toBe(1)
})

it('lets others run between its batches', async () => {
  for (let i = 0; i < 200; i++) await known()
  await gc.collect(never)
  let turns = 0
  let running = true
  const count = () => {
    turns++
    if (running) setImmediate(count)
  }
  setImmediate(count)
  await gc.collect(never)
  running = false
  expect(store.peerCount).toBe(1)
  expect(turns).toBeGreaterThanOrEqual(3)
})

it('ends early when the node closes', async () => {
  await known()
  await gc.collect(never)
  await gc.collect(AbortSignal.abort())
  expect(store.peerCount).toBe(2)
})

it('runs every two minutes, and not after it was stopped', async () => {
  const clock = new SimulatedClock()
  const abort = new AbortController()
  const stop = startPeerstoreGc(gc, clock, logger, abort.signal)
  clock.advance(peerstoreGcIntervalMs)
  await expect.poll(() => lines.length).toBe(1)
  await expect.poll(() => clock.pending).toBe(1)
  abort.abort()
  stop()
  expect(clock.pending).toBe(0)
})

it('a cycle that fails is said and is not the last', async () => {
  const clock = new SimulatedClock()
  const failing = { collect: () => Promise.reject(new Error('no')) } as unknown as PeerstoreGc
  startPeerstoreGc(failing, clock, logger, never)
  clock.advance(peerstoreGcIntervalMs)
  await expect.poll(() => lines.at(-1)?.msg).toBe('a peer store cycle failed')
  await expect.poll(() => clock.pending).toBe(1)
})
