import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { PrivateKey } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { BootstrapNode } from '../../src/bootstrap-node.ts'
import { type Clock, systemClock, wallMs } from '../../src/clock.ts'
import { peerKey } from '../../src/peers/peer-key.ts'
import { dialWithinMs } from '../../src/rendezvous/remembered/dial-back.ts'
import {
  decodePeerEntry,
  decodeRecordEntry,
  encodeRecordEntry,
  peerEntries,
  peerEntryKey,
  recordEntries
} from '../../src/rendezvous/remembered/entries.ts'
import { kadProtocol } from '../../src/rendezvous/service.ts'
import type { State } from '../../src/state/state.ts'
import { SimulatedClock } from '../support/clock.ts'
import { testConfig } from '../support/config.ts'
import { MemoryStore } from '../support/store.ts'

const key = new Uint8Array(Buffer.from('k'))
const opened: Array<() => Promise<unknown>> = []
let store: MemoryStore
let lines: string[]
/** The store was damaged, and has been replaced. */
let replaced: () => void

beforeEach(() => {
  store = new MemoryStore()
  lines = []
})

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

function inMemory(kept: MemoryStore): State {
  const health = { problem: undefined, pending: 0, setAside: [] }
  return {
    store: kept,
    changes: kept,
    health: () => health,
    whenReplaced(listener) {
      replaced = listener
    },
    close: async () => {}
  }
}

async function start(clock?: Clock): Promise<BootstrapNode> {
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line).msg) })
  const node = await BootstrapNode.create(testConfig(), { logger, state: inMemory(store), ...(clock && { clock }) })
  opened.push(() => node.close())
  return node
}

/** What is in the store now, for a process of its own. */
function copy(): MemoryStore {
  store.settle()
  const other = new MemoryStore()
  for (const [name, value] of store.kept) other.kept.set(name, value)
  return other
}

/** A client, which listens and speaks what the real ones do. */
async function client(
  node: BootstrapNode,
  privateKey?: PrivateKey,
  listen: readonly string[] = ['/ip4/127.0.0.1/tcp/0']
): Promise<Libp2p> {
  const made = await createLibp2p({
    ...(privateKey === undefined ? {} : { privateKey }),
    addresses: { listen: [...listen] },
    transports: [tcp()],
    connectionEncrypters: [tls(), noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify(), ping: ping() }
  })
  opened.push(async () => made.stop())
  await made.dial(node.libp2p.getMultiaddrs())
  const { contacts } = node.libp2p.services.rendezvous
  await expect.poll(() => contacts.ofKey(peerKey(made.peerId))?.encoded).toBeDefined()
  return made
}

function provide(node: BootstrapNode, peer: Libp2p): void {
  const { book } = node.libp2p.services.rendezvous
  const addrs = peer.getMultiaddrs().map(({ bytes }) => bytes)
  book.add(peer.peerId.toMultihash().bytes, addrs, key, '127.0.0.0/24', Date.now())
}

describe('a node that comes back', () => {
  it('after kill -9 has the records before it listens, and whoever was connected right after', async () => {
    const before = await start()
    const peers = [await client(before), await client(before)]
    for (const peer of peers) provide(before, peer)
    store = copy()
    await before.close()

    const after = await start()
    const { book } = after.libp2p.services.rendezvous
    expect(book.providers(key, Date.now()).map((contact) => contact.key)).toEqual(
      [...peers].reverse().map(({ peerId }) => peerKey(peerId))
    )
    for (const peer of peers) {
      await expect.poll(() => peer.getConnections(after.libp2p.peerId).length).toBe(1)
    }
    // what a client needs to take it into its routing table
    const [connection] = peers[0]!.getConnections(after.libp2p.peerId)
    expect((await connection!.newStream(kadProtocol)).protocol).toBe(kadProtocol)
    expect(connection!.encryption).toBe('/noise')
    const known = () => after.libp2p.services.rendezvous.contacts.ofKey(peerKey(peers[0]!.peerId))
    await expect.poll(() => known()?.identifiedOver).toBeDefined()
    expect(known()?.connections).toBe(1)
    expect(after.status().connected).toBe(2)
    await expect.poll(() => lines.at(-1)).toMatch(/^dial-back over .*: connected=2 came_back=0 failed=0/)
  })

  it('after an orderly end dials back those who were connected when it began', async () => {
    const before = await start()
    const peer = await client(before)
    const gone = await client(before)
    await gone.stop()
    await expect.poll(() => before.status().connected).toBe(1)
    // nothing was written until the end begins
    await before.close()
    before.libp2p.services.rendezvous.contacts.disconnected(peer.peerId.toMultihash().bytes)
    store.settle()
    expect([...store.kept.keys()]).toEqual([peerEntryKey(peerKey(peer.peerId))])

    const after = await start()
    await expect.poll(() => peer.getConnections(after.libp2p.peerId).length).toBe(1)
  })

  it('dials nobody a second time who was not there', async () => {
    const before = await start()
    const peer = await client(before)
    store = copy()
    await before.close()
    await peer.stop()

    await start()
    await expect.poll(() => lines.at(-1)).toMatch(/^dial-back over .*: connected=0 came_back=0 failed=1/)
    store.settle()
    expect(store.kept.size).toBe(0)
  })

  it('fills its store again when that was replaced while it was read', async () => {
    const before = await start()
    provide(before, await client(before))
    store = copy()
    await before.close()

    const entries = store.entries.bind(store)
    const kept = new Map(store.kept)
    store.entries = async function* (prefix) {
      for await (const entry of entries(prefix)) {
        yield entry
        store.kept.clear()
        replaced()
      }
      if (prefix === peerEntries) for (const [name, value] of kept) store.kept.set(name, value)
    }
    await start()
    store.settle()
    expect([...store.kept.keys()]).toEqual([...kept.keys()])
  })

  it('knows who was not there, until it is', { timeout: 60_000 }, async () => {
    const before = await start()
    const privateKey = await generateKeyPair('Ed25519')
    const peer = await client(before, privateKey)
    const listen = peer.getMultiaddrs().map((at) => at.decapsulate('/p2p').toString())
    store = copy()
    await before.close()
    await peer.stop()

    const entry = () => {
      store.settle()
      return decodePeerEntry(store.kept.get(peerEntryKey(peerKey(peer.peerId))) ?? new Uint8Array())
    }
    const second = await start()
    // refused at once; where another program has the port by now, the dial runs out of time
    const dialledMs = dialWithinMs + 5_000
    await expect.poll(() => lines.at(-1), { timeout: dialledMs }).toMatch(/^dial-back over .* failed=1/)
    const again = await client(second, privateKey, listen)
    provide(second, again)
    await expect.poll(() => entry()).toMatchObject({ connected: true, dialFailed: true })
    await again.stop()
    await expect.poll(() => entry()).toMatchObject({ connected: false, dialFailed: true })
    store = copy()
    await second.close()

    const third = await start()
    const last = await client(third, privateKey, listen)
    await expect.poll(() => entry()).toMatchObject({ connected: true, dialFailed: true })
    store = copy()
    await third.close()

    const fourth = await start()
    await expect.poll(() => last.getConnections(fourth.libp2p.peerId).length).toBe(1)
    await expect.poll(() => entry()).toMatchObject({ connected: true, dialFailed: false })
  })

  it('serves when its state cannot be read, and says so', async () => {
    store.entries = () => {
      throw new Error('no such block')
    }
    const node = await start()
    expect(lines).toContain('the state cannot be read: no such block; what was not read is left as it is')
    // what happens from now on is remembered
    await client(node)
    expect(store.pending).toHaveLength(1)
  })
})

it('a node whose clock is set writes the ends of all records anew, by the new time', async () => {
  onTestFinished(() => void vi.useRealTimers())
  vi.useFakeTimers({ toFake: ['Date'] })
  const clock = new SimulatedClock()
  const node = await start(clock)
  const address = new Uint8Array([4, 192, 0, 2, 1, 6, 15, 161])
  node.libp2p.services.rendezvous.book.add(new Uint8Array([7]), [address], key, 'net', wallMs(clock))
  const endInHours = async () => {
    store.settle()
    for await (const [, value] of store.entries(recordEntries)) {
      return Math.round((decodeRecordEntry(value!)!.expiresAtMs - Date.now()) / 3_600_000)
    }
    return undefined
  }
  expect(await endInHours()).toBe(48)
  vi.setSystemTime(Date.now() + 10 * 365 * 86_400_000)
  clock.advance(10_000)
  expect(await endInHours()).toBe(48)
  vi.setSystemTime(Date.now() - 11 * 365 * 86_400_000)
  clock.advance(10_000)
  expect(await endInHours()).toBe(48)
  expect(lines.filter((line) => line.startsWith("the machine's clock was set"))).toHaveLength(2)
})

it('a node that finds records with an end that no right clock gave writes them anew', async () => {
  const before = await start()
  const [address, peer] = [new Uint8Array([4, 192, 0, 2, 1, 6, 15, 161]), new Uint8Array([7])]
  before.libp2p.services.rendezvous.book.add(peer, [address], key, 'net', wallMs(systemClock))
  store.settle()
  const in1970 = encodeRecordEntry({ expiresAtMs: 48 * 3_600_000, prefix: 'net' })
  for (const name of store.kept.keys()) if (name.startsWith(recordEntries)) store.kept.set(name, in1970)
  store = copy()
  await start()
  store.settle()
  const ends = [...store.kept]
    .filter(([name]) => name.startsWith(recordEntries))
    .map(([, value]) => decodeRecordEntry(value))
  expect(ends.map((entry) => Math.round((entry!.expiresAtMs - Date.now()) / 3_600_000))).toEqual([48])
})
