import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { getNetConfig } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { BootstrapNode } from '../../src/bootstrap-node.ts'
import { wallMs } from '../../src/clock.ts'
import { answerWithinMs, pingIntervalMs } from '../../src/host/liveness.ts'
import { peerKey } from '../../src/peers/peer-key.ts'
import { firstPauseMs, settlesWithinMs } from '../../src/rendezvous/remembered/cut-watch.ts'
import { decodePeerEntry, peerEntries } from '../../src/rendezvous/remembered/entries.ts'
import type { State } from '../../src/state/state.ts'
import { SimulatedClock } from '../support/clock.ts'
import { testConfig } from '../support/config.ts'
import { MemoryStore } from '../support/store.ts'

/** Two more than are asked before all are dialled. */
const crowd = 10
const opened: Array<() => Promise<unknown>> = []
let lines: string[]
let store: MemoryStore
let clock: SimulatedClock

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

async function start(stack: string): Promise<BootstrapNode> {
  lines = []
  clock = new SimulatedClock()
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line).msg) })
  store = new MemoryStore()
  const state: State = {
    store,
    changes: store,
    health: () => ({ problem: undefined, pending: 0, setAside: [] }),
    whenReplaced: () => {},
    close: async () => {}
  }
  const node = await BootstrapNode.create(testConfig({ CONNECTION_STACK: stack }), { logger, clock, state })
  opened.push(() => node.close())
  return node
}

interface Client {
  readonly libp2p: Libp2p<{ ping: Ping }>
  /** Nothing comes through any more; no end either. */
  cut(): void
}

async function client(node: BootstrapNode): Promise<Client> {
  const way = await wayTo(node)
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify(), ping: ping() }
  })
  opened.push(async () => libp2p.stop())
  await libp2p.dial(way.address)
  const { contacts } = node.libp2p.services.rendezvous
  await expect.poll(() => contacts.ofKey(peerKey(libp2p.peerId))?.encoded).toBeDefined()
  return { libp2p, cut: way.cut }
}

async function wayTo(node: BootstrapNode): Promise<{ address: Multiaddr; cut(): void }> {
  const { port } = getNetConfig(node.libp2p.getMultiaddrs()[0]!)
  let isCut = false
  const proxy = createServer((near) => {
    const far = connect(port!, '127.0.0.1')
    near.on('data', (chunk) => isCut || far.write(chunk))
    far.on('data', (chunk) => isCut || near.write(chunk))
    for (const [one, other] of [
      [near, far],
      [far, near]
    ] as const) {
      one.on('error', () => {}).on('close', () => isCut || other.destroy())
      opened.push(async () => void one.destroy())
    }
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  opened.push(async () => void proxy.close())
  const address = multiaddr(`/ip4/127.0.0.1/tcp/${(proxy.address() as AddressInfo).port}`)
  const cut = () => {
    isCut = true
  }
  return { address, cut }
}

/** So long that whoever does not answer is found to be silent. */
async function untilSilent(answering: readonly Client[], node: BootstrapNode): Promise<void> {
  clock.advance(pingIntervalMs + 1_000)
  // whatever they send is a sign of life
  for (const { libp2p } of answering) await libp2p.services.ping.ping(node.libp2p.peerId)
  clock.advance(answerWithinMs + 1_000)
}

function provide(node: BootstrapNode, { libp2p }: Client): void {
  const { book } = node.libp2p.services.rendezvous
  const addrs = libp2p.getMultiaddrs().map(({ bytes }) => bytes)
  book.add(libp2p.peerId.toMultihash().bytes, addrs, new Uint8Array([1]), '127.0.0.0/24', wallMs(clock))
}

/** How many would be dialled back by a process that comes after this one. */
function remembered(): number {
  store.settle()
  const entries = [...store.kept].filter(([name]) => name.startsWith(peerEntries))
  return entries.filter(([, value]) => decodePeerEntry(value)?.connected === true).length
}

const inbound = (node: BootstrapNode, { libp2p }: Client) =>
  libp2p.getConnections(node.libp2p.peerId).filter(({ direction }) => direction === 'inbound')

describe.each(['lean', 'stock'])('on the %s stack', (stack) => {
  it('all who were there before the network was cut are dialled back when it is there again', async () => {
    const node = await start(stack)
    const clients = await Promise.all(Array.from({ length: crowd }, () => client(node)))
    for (const one of clients) provide(node, one)
    for (const { cut } of clients) cut()
    await untilSilent([], node)
    await expect.poll(() => node.status().connected).toBe(0)
    expect(lines.at(-1)).toMatch(/^8 peers have gone silent at once/)
    // a process that ends before the network is back leaves them to the next
    expect(remembered()).toBe(crowd)

    clock.advance(firstPauseMs)
    await expect.poll(() => node.status().connected).toBe(crowd - 2)
    clock.advance(settlesWithinMs)
    await expect.poll(() => node.status().connected).toBe(crowd)
    for (const one of clients) await expect.poll(() => inbound(node, one)).toHaveLength(1)
    await expect.poll(() => lines.at(-1)).toMatch(/^dial-back over .*: connected=2 came_back=0 failed=0/)
  }, 60_000)

  it('nobody is dialled when a few go silent, and the others leave', async () => {
    const node = await start(stack)
    const clients = await Promise.all(Array.from({ length: crowd }, () => client(node)))
    for (const one of clients) provide(node, one)
    for (const { cut } of clients.slice(0, 3)) cut()
    await untilSilent(clients.slice(3), node)
    await expect.poll(() => node.status().connected).toBe(crowd - 3)
    expect(remembered()).toBe(crowd - 3)
    for (const { libp2p } of clients.slice(3)) await libp2p.stop()
    await expect.poll(() => node.status().connected).toBe(0)
    clock.advance(firstPauseMs)
    expect(clients.flatMap((one) => inbound(node, one))).toEqual([])
    expect(lines.filter((line) => /silent|dial/.test(line))).toEqual([])
  }, 60_000)
})
