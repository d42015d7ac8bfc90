import { once } from 'node:events'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { BootstrapNode } from '../../src/bootstrap-node.ts'
import { identityFromKey } from '../../src/identity/identity.ts'
import { parsePrivateKey } from '../../src/identity/key-formats.ts'
import { privateKeyOf } from '../interop/harness/identity.ts'
import { type StockPeer, startStockPeer } from '../interop/harness/stock-peer.ts'
import { testConfig } from '../support/config.ts'
import { freePort } from '../support/port.ts'

const opened: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

/** Where a node is to run and who it is, before it does. */
interface Place {
  readonly key: string
  readonly port: number
  readonly id: string
  readonly address: string
}

async function place(name: string): Promise<Place> {
  const key = parsePrivateKey(privateKeyOf(name))
  if ('problem' in key) throw new Error(key.problem)
  const port = await freePort()
  const id = identityFromKey(key).peerId
  return { key: privateKeyOf(name), port, id, address: `/ip4/127.0.0.1/tcp/${port}/p2p/${id}` }
}

async function start(at: Place, peers: readonly string[], environment: Record<string, string> = {}) {
  const lines: string[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line).msg) })
  const settings = { PRIVATE_KEY: at.key, BOOTSTRAP_PEERS: peers.join(','), ...environment }
  const node = await BootstrapNode.create(testConfig(settings, { port: at.port }), { logger })
  opened.push(() => node.close())
  return { node, told: () => lines.filter((line) => /^Bootstrap node 12D3|^BOOTSTRAP_PEERS/.test(line)) }
}

async function client(): Promise<StockPeer> {
  const peer = await startStockPeer('tls')
  opened.push(() => peer.stop())
  return peer
}

/** The peers that a node names to a client, with where they are. */
async function namedBy(asker: StockPeer, { address }: Place): Promise<Record<string, readonly string[]>> {
  const named = await asker.findNode(address, asker.id.toMultihash().bytes)
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  return Object.fromEntries(
    named.map(({ id, addresses }) => [hex(id), addresses.map((at) => multiaddr(at).toString())])
  )
}

function nameOf(id: string): string {
  return Buffer.from(peerIdFromString(id).toMultihash().bytes).toString('hex')
}

const inTable = ({ node }: { node: BootstrapNode }) => node.status().dhtRoutingTable

describe('bootstrap nodes that list each other', () => {
  it('are in each other’s tables and named to clients, with their addresses', async () => {
    const [a, b] = [await place('a'), await place('b')]
    const [nodeA, nodeB] = await Promise.all([start(a, [b.address]), start(b, [a.address])])
    await expect.poll(() => [inTable(nodeA), inTable(nodeB)], { timeout: 10_000 }).toEqual([1, 1])
    const asker = await client()
    for (const [here, there] of [
      [a, b],
      [b, a]
    ] as const) {
      const named = await namedBy(asker, here)
      expect(named[nameOf(there.id)]).toEqual([`/ip4/127.0.0.1/tcp/${there.port}`])
    }
    expect(nodeA.told().at(-1)).toBe(`Bootstrap node ${b.id} is connected`)
  })

  it('find each other again when one comes back, which is not named meanwhile', async () => {
    const [a, b] = [await place('a'), await place('b')]
    const nodeA = await start(a, [b.address])
    const first = await start(b, [])
    await expect.poll(() => [inTable(nodeA), inTable(first)], { timeout: 10_000 }).toEqual([1, 1])

    const gone = once(nodeA.node.libp2p as unknown as EventTarget, 'peer:disconnect')
    await first.node.close()
    await gone
    const asker = await client()
    expect(await namedBy(asker, a)).not.toHaveProperty(nameOf(b.id))

    // it lists nobody: whoever lists it has to come back to it
    const second = await start(b, [])
    await expect.poll(() => inTable(second), { timeout: 10_000 }).toBe(1)
    await expect.poll(async () => namedBy(asker, a)).toHaveProperty(nameOf(b.id))
    const changes = nodeA.told().map((line) => line.replace(/^Bootstrap node \w+ /, ''))
    expect(changes.at(-1)).toBe('is connected')
    expect(changes.filter((line) => line.startsWith('is gone'))).toHaveLength(1)
  })

  it('keep their connection when all others are closed to make room', async () => {
    const [a, b] = [await place('a'), await place('b')]
    const marks = { CONN_MANAGER_LOW_WATER: '0', CONN_MANAGER_HIGH_WATER: '1', CONN_MANAGER_GRACE_PERIOD: '0' }
    const nodeA = await start(a, [b.address], marks)
    const nodeB = await start(b, [a.address], marks)
    for (const { node } of [nodeA, nodeB]) await expect.poll(() => node.status().connected).toBe(1)
    for (const [{ node }, { address }] of [
      [nodeA, a],
      [nodeB, b]
    ] as const) {
      const trimmed = once(node.libp2p as unknown as EventTarget, 'peer:disconnect')
      const crowd = [await client(), await client()]
      for (const peer of crowd) await peer.connect(address)
      const [{ detail: left }] = await trimmed
      expect(crowd.map(({ id }) => id.toString())).toContain(left.toString())
    }
    for (const { told } of [nodeA, nodeB]) expect(told().filter((line) => line.includes('is gone'))).toEqual([])
  })

  it('names a member whatever the routing table holds', async () => {
    const a = await place('a')
    // no DHT server, so kad-dht does not take it into the table
    const member = await client()
    const nodeA = await start(a, [`/ip4/127.0.0.1/tcp/${await freePort()}/p2p/${member.id}`])
    await member.connect(a.address)
    const name = Buffer.from(member.id.toMultihash().bytes).toString('hex')
    const asker = await client()
    await expect.poll(async () => namedBy(asker, a)).toHaveProperty(name)
    expect(inTable(nodeA)).toBe(0)
    // but nobody is told of itself
    expect(await namedBy(member, a)).not.toHaveProperty(name)
  })
})

describe('BOOTSTRAP_PEERS with mistakes', () => {
  it('is a line for each, and the node runs', async () => {
    const [a, b, c, d] = [await place('a'), await place('b'), await place('c'), await place('d')]
    await start(b, [])
    const closed = `/ip4/127.0.0.1/tcp/${await freePort()}/p2p/${c.id}`
    const wrong = b.address.replace(b.id, d.id)
    const { node, told } = await start(a, ['garbage', a.address, closed, wrong])
    await expect.poll(() => told().length).toBe(4)
    expect(told().slice(0, 2)).toEqual([
      expect.stringMatching(/^BOOTSTRAP_PEERS: "garbage" is left out: it is no multiaddr/),
      `BOOTSTRAP_PEERS: "${a.address}" is left out: it is this node itself`
    ])
    expect(told()).toContainEqual(
      expect.stringMatching(`^Bootstrap node ${c.id} cannot be reached at /ip4/127.0.0.1/tcp/\\d+ \\(.*ECONNREFUSED`)
    )
    expect(told()).toContain(
      `Bootstrap node ${d.id} is not who answers at /ip4/127.0.0.1/tcp/${b.port}; correct the peer id in BOOTSTRAP_PEERS`
    )
    expect(node.status().connected).toBe(0)
    const asker = await client()
    await asker.connect(a.address)
  })
})
