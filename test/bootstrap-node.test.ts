import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { BootstrapNode, type NodeParts } from '../src/bootstrap-node.ts'
import type { Config } from '../src/config/index.ts'
import { createHost } from '../src/host/host.ts'
import { newIdentity, privateKeyHex } from '../src/identity/identity.ts'
import { testConfig } from './support/config.ts'
import { freePort } from './support/port.ts'

const opened: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

async function start(parts: NodeParts = {}, config: Config = testConfig()): Promise<BootstrapNode> {
  const node = await BootstrapNode.create(config, parts)
  opened.push(() => node.close().catch(() => {}))
  return node
}

async function client(): Promise<Libp2p> {
  const peer = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() }
  })
  opened.push(async () => peer.stop())
  return peer
}

function recorder() {
  const lines: string[] = []
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(JSON.parse(line).msg) })
  return { lines, logger }
}

const listening = () => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPServerWrap').length

describe('BootstrapNode', () => {
  it('logs what scripts grep', async () => {
    const { lines, logger } = recorder()
    const { libp2p } = await start({ logger })
    const id = libp2p.peerId.toString()
    const addresses = `[/ip4/127.0.0.1/tcp/${libp2p.getMultiaddrs()[0]!.getComponents()[1]!.value}]`
    expect(lines).toEqual([
      `Libp2p host created with ID: ${id}, listening on: ${addresses}`,
      'Gossipsub parameter hash: 301ee7d973e981a7 (bootstrap node)',
      `Bootstrap node started. ID: ${id}`,
      `Listening on addresses: ${addresses}`
    ])
  })

  it('counts who is connected, and logs it in the words of the Go service', async () => {
    const { lines, logger } = recorder()
    const node = await start({ logger }, testConfig({ LOG_PEER_CONNECTIONS: 'true' }))
    const peer = await client()
    const connection = await peer.dial(node.libp2p.getMultiaddrs())
    await expect.poll(() => node.status().connected).toBe(1)
    await expect.poll(() => node.status().peerstore).toBe(2)
    await connection.close()
    await expect.poll(() => node.status().connected).toBe(0)
    const own = lines.filter((line) => line.startsWith('Bootstrap Peer'))
    expect(own).toEqual(
      ['connected', 'disconnected'].map((what) =>
        expect.stringMatching(`^Bootstrap Peer ${what}: ${peer.peerId}, Addr: /ip4/127.0.0.1/tcp/\\d+$`)
      )
    )
  })

  it('keeps connections of one peer apart that came in through different addresses', async () => {
    const node = await start({}, testConfig({ LISTEN_ADDRESS: '127.0.0.1,127.0.0.2' }))
    const peer = await client()
    const dialled = []
    for (const address of node.libp2p.getMultiaddrs()) dialled.push(await peer.dial(address, { force: true }))
    await expect.poll(() => node.libp2p.getConnections(peer.peerId)).toHaveLength(2)
    await dialled[0]?.close()
    await expect.poll(() => node.libp2p.services.connectionManager.total).toBe(1)
    expect(node.libp2p.getConnections(peer.peerId)).toHaveLength(1)
  })

  it('is the same peer with the same key', async () => {
    const key = new Uint8Array(
      Buffer.from(`${'00'.repeat(32)}3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29`, 'hex')
    )
    const config = testConfig({}, { privateKey: key })
    const first = await start({}, config)
    await first.close()
    const second = await start({}, config)
    expect(second.libp2p.peerId.toString()).toBe(first.libp2p.peerId.toString())
  })

  it('announces PUBLIC_IP beside its listen addresses, and hands it out', async () => {
    const node = await start({}, testConfig({}, { publicIp: '198.51.100.7', port: await freePort() }))
    const said = node.libp2p.getMultiaddrs().map(String)
    expect(said.some((text) => text.startsWith('/ip4/127.0.0.1/'))).toBe(true)
    expect(node.address('198.51.100.7')).toMatch(/^\/ip4\/198.51.100.7\/tcp\/\d+\/p2p\//)
  })

  it('serves IPv6', async () => {
    const node = await start({}, testConfig({}, { listenAddresses: ['::1', '127.0.0.1'], port: await freePort() }))
    const peer = await client()
    const [v6] = node.libp2p.getMultiaddrs().filter((address) => address.toString().startsWith('/ip6/::1/'))
    await peer.dial(v6!)
    await expect.poll(() => node.status().connected).toBe(1)
  })

  it('does not offer the relay when it is turned off', async () => {
    const node = await start({}, testConfig({ ENABLE_RELAY_SERVICE: 'false' }))
    expect(node.libp2p.getProtocols().filter((name) => name.includes('circuit'))).toEqual([])
  })

  it('lets in 100 above high water, as the Go service', async () => {
    const { libp2p } = await start({}, testConfig({ CONN_MANAGER_LOW_WATER: '100', CONN_MANAGER_HIGH_WATER: '200' }))
    expect(libp2p.services.connectionManager.getMaxConnections()).toBe(300)
  })

  it('offers what a Go client looks for', async () => {
    const { libp2p } = await start()
    expect(libp2p.getProtocols()).toEqual(
      expect.arrayContaining([
        '/ipfs/id/1.0.0',
        '/ipfs/id/push/1.0.0',
        '/ipfs/kad/1.0.0',
        '/ipfs/ping/1.0.0',
        '/libp2p/circuit/relay/0.2.0/hop',
        '/meshsub/1.1.0',
        '/meshsub/1.2.0'
      ])
    )
  })
})

describe('create() on failure', () => {
  it('says that the port is taken, and leaves nothing open', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    await expect(BootstrapNode.create(testConfig({}, { port }))).rejects.toMatchObject({
      code: 'ERR_PORT_TAKEN',
      facts: { port, address: '127.0.0.1' }
    })
    await expect.poll(listening).toBe(1)
    other.close()
  })

  it('says that it cannot listen on an address that is not there', async () => {
    const config = testConfig({}, { listenAddresses: ['192.0.2.77'] })
    await expect(BootstrapNode.create(config)).rejects.toMatchObject({ code: 'ERR_LISTEN' })
  })

  it.each(['createHost', 'start'])('releases what it had built when %s fails', async (where) => {
    const stopped: string[] = []
    const failing: typeof createHost = async (...args) => {
      if (where === 'createHost') throw new Error('defect')
      const host = await createHost(...args)
      const { stop } = host.libp2p
      host.libp2p.start = () => Promise.reject(new Error('defect'))
      host.libp2p.stop = async () => {
        stopped.push('host')
        await stop.call(host.libp2p)
      }
      for (const name of ['pubsub', 'rendezvous'] as const) {
        const service = host.libp2p.services[name]
        Object.assign(service, { stop: async () => void stopped.push(name) })
      }
      return host
    }
    await expect(BootstrapNode.create(testConfig(), { createHost: failing })).rejects.toThrow('defect')
    expect(stopped).toEqual(where === 'createHost' ? [] : ['rendezvous', 'pubsub', 'host'])
  })

  it.each(['before the host is built', 'after the host is built', 'while it starts to listen'])(
    'gives up when it is asked to %s',
    async (when) => {
      const abort = new AbortController()
      if (when === 'before the host is built') abort.abort()
      const slow: typeof createHost = async (...args) => {
        const host = await createHost(...args)
        if (when === 'after the host is built') abort.abort()
        const begin = host.libp2p.start.bind(host.libp2p)
        host.libp2p.start = async () => {
          await begin()
          abort.abort()
        }
        return host
      }
      const start = BootstrapNode.create(testConfig(), { createHost: slow, signal: abort.signal })
      await expect(start).rejects.toMatchObject({ code: 'ERR_START_ABORTED' })
      await expect.poll(listening).toBe(0)
    }
  )
})

describe('DATA_DIR', () => {
  const folder = () => mkdtempSync(join(tmpdir(), 'node-'))

  it('is nothing to a node without one', async () => {
    expect((await start()).status().state).toBeUndefined()
  })

  it('keeps the identity for the next node, is given back by close(), and its health is in the status', async () => {
    const config = testConfig({ DATA_DIR: folder() })
    const first = await start({}, config)
    expect(first.status().state).toEqual({ problem: undefined, pending: 0, setAside: [] })
    await first.close()
    const second = await start({}, config)
    expect(second.libp2p.peerId.toString()).toBe(first.libp2p.peerId.toString())
  })

  it('in use ends the start of a second node, and leaves the first alone', async () => {
    const config = testConfig({ DATA_DIR: folder() })
    const first = await start({}, config)
    const path = config.dataDir
    await expect(start({}, config)).rejects.toMatchObject({
      code: 'ERR_DATA_DIR_IN_USE',
      facts: { path, pid: process.pid }
    })
    expect(first.status().state).toMatchObject({ problem: undefined })
  })

  it('that cannot be used does not stop a node that has its key from serving, and is in its status', async () => {
    const file = join(folder(), 'file')
    writeFileSync(file, '')
    const { logger, lines } = recorder()
    const config = testConfig({ DATA_DIR: file, PRIVATE_KEY: privateKeyHex(await newIdentity()) })
    const node = await start({ logger }, config)
    expect(node.status().state?.problem).toMatchObject({ reason: expect.stringContaining(file) })
    expect(lines[0]).toMatch(/^the state cannot be saved: /)
    const peer = await client()
    await peer.dial(node.libp2p.getMultiaddrs())
    await expect.poll(() => node.status().connected).toBe(1)
  })

  it('is given back by a start that fails', async () => {
    const config = testConfig({ DATA_DIR: folder() })
    const failing = () => Promise.reject(new Error('defect'))
    await expect(BootstrapNode.create(config, { createHost: failing })).rejects.toThrow('defect')
    await start({}, config)
  })
})

describe('close()', () => {
  it('goes in order: ports, listeners, DHT, gossipsub, host', async () => {
    const closed: string[] = []
    const watched: typeof createHost = async (...args) => {
      const host = await createHost(...args)
      const { libp2p } = host
      const note = (name: string, target: { stop?: unknown }) => {
        const stop = (target.stop as () => Promise<void>).bind(target)
        Object.assign(target, {
          stop: async () => {
            if (!closed.includes(name)) closed.push(name)
            await stop()
          }
        })
      }
      note('host', libp2p)
      note('gossipsub', libp2p.services.pubsub as { stop?: unknown })
      note('DHT', libp2p.services.rendezvous as { stop?: unknown })
      const off = libp2p.removeEventListener.bind(libp2p)
      libp2p.removeEventListener = (...event: Parameters<typeof off>) => {
        if (!closed.includes('listeners')) closed.push('listeners')
        off(...event)
      }
      const closePorts = async () => {
        closed.push('ports')
        await host.closePorts()
      }
      return { ...host, closePorts }
    }
    const node = await start({ createHost: watched })
    await node.close()
    expect(closed).toEqual(['ports', 'listeners', 'DHT', 'gossipsub', 'host'])
  })

  it('is idempotent, frees the port and disconnects the peers', async () => {
    const node = await start()
    const peer = await client()
    await peer.dial(node.libp2p.getMultiaddrs())
    await Promise.all([node.close(), node.close()])
    await node.close()
    await expect.poll(() => peer.getConnections()).toEqual([])
    await expect.poll(listening).toBe(0)
  })

  it('closes the others and says which step failed when a library throws', async () => {
    const node = await start({
      createHost: async (...args) => {
        const host = await createHost(...args)
        Object.assign(host.libp2p.services.pubsub, { stop: () => Promise.reject(new Error('stuck')) })
        return host
      }
    })
    const error = await node.close().catch((reason: AggregateError) => reason)
    expect((error as AggregateError).errors[0]).toMatchObject({ code: 'ERR_CLOSE', facts: { step: 'gossipsub' } })
    await expect.poll(listening).toBe(0)
  })
})
