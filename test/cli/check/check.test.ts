import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, it } from 'vitest'
import { BootstrapNode } from '../../../src/bootstrap-node.ts'
import { check } from '../../../src/cli/check/check.ts'
import { checkJson, stepLines, verdict } from '../../../src/cli/check/print.ts'
import { probe } from '../../../src/cli/check/probe.ts'
import { systemClock } from '../../../src/clock.ts'
import { FrameReader } from '../../../src/frames.ts'
import { newIdentity, privateKeyHex } from '../../../src/identity/identity.ts'
import { parsePrivateKey } from '../../../src/identity/key-formats.ts'
import { kadProtocol } from '../../../src/rendezvous/service.ts'
import { decodeRequest, MessageType } from '../../../src/rendezvous/wire.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { testConfig } from '../../support/config.ts'
import { freePort } from '../../support/port.ts'

const toStop: Array<() => unknown> = []
afterEach(async () => {
  for (const stop of toStop.splice(0).reverse()) await stop()
})

async function startNode() {
  const key = parsePrivateKey(privateKeyHex(await newIdentity()))
  if ('problem' in key) throw new Error(key.problem)
  const config = testConfig({}, { port: await freePort(), privateKey: key })
  const node = await BootstrapNode.create(config)
  toStop.push(() => node.close())
  return { node, config, address: node.address()! }
}

async function startServer(onSocket: (socket: Socket) => void): Promise<{ server: Server; address: string }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    onSocket(socket)
  }).listen(0, '127.0.0.1')
  toStop.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  await once(server, 'listening')
  return { server, address: `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}` }
}

async function startStock(services: 'with identify' | 'without' = 'with identify') {
  const peer = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...(services === 'without' ? {} : { services: { identify: identify() } })
  })
  toStop.push(() => peer.stop())
  return { peer, address: peer.getMultiaddrs()[0]!.toString() }
}

const config = testConfig()
const passed = (steps: ReadonlyArray<{ step: string; ok: boolean }>) =>
  steps.map(({ step, ok }) => `${ok ? '' : 'not '}${step}`)

describe('a node that is well', () => {
  it('lets a client go all its way, and every step is told with its time', async () => {
    const { node, address } = await startNode()
    const report = await check(address, config, systemClock)
    expect(report).toMatchObject({ ok: true, peerId: node.libp2p.peerId.toString(), failure: undefined, notes: [] })
    expect(passed(report.steps)).toEqual([
      'TCP',
      'security',
      'muxer',
      'identify',
      'FIND_NODE',
      'ADD_PROVIDER',
      'GET_PROVIDERS'
    ])
    const spent = report.steps.reduce((sum, { ms }) => sum + ms, 0)
    expect(spent).toBeLessThanOrEqual(report.ms)
    expect(stepLines(report)).toMatch(/^✓ security +\d+\.\d ms {2}\/tls\S*, which Go clients prefer; it is 12D3/m)
    expect(stepLines(report)).toMatch(/^✓ identify +\d+\.\d ms {2}powerloom-bootstrap-node\/\S+, \d+ protocols, a DHT/m)
    expect(verdict(report)).toMatch(
      /^OK: 12D3KooW\w+ answered FIND_NODE, ADD_PROVIDER and GET_PROVIDERS over \/tls\S* in/
    )
    expect(JSON.parse(checkJson(report))).toMatchObject({
      ok: true,
      address,
      steps: report.steps.map(({ step }) => ({ step }))
    })
  })

  it('is found by its name too', async () => {
    const { config: own } = await startNode()
    const report = await check(`/dns4/localhost/tcp/${own.port}`, config, systemClock)
    expect(passed(report.steps).slice(0, 2)).toEqual(['resolve', 'TCP'])
    expect(report.ok).toBe(true)
  })

  it('has one record of its own health check, however often it is made', async () => {
    const { node, config: own } = await startNode()
    const { book } = node.libp2p.services.rendezvous
    expect((await check(undefined, own, systemClock)).ok).toBe(true)
    expect((await check(undefined, own, systemClock)).ok).toBe(true)
    expect(book.records).toBe(1)
    await check(node.address()!, config, systemClock)
    expect(book.records).toBe(2)
  })

  it('keeps nothing of a probe', async () => {
    const { node, config: own } = await startNode()
    expect(await probe(own)).toMatch(/^12D3KooW\w+ answered FIND_NODE over \/tls/)
    expect(node.libp2p.services.rendezvous.book.records).toBe(0)
  })
})

describe('whoever keeps clients away', () => {
  it('a port that nobody listens on', async () => {
    const report = await check(`/ip4/127.0.0.1/tcp/${await freePort()}`, config, systemClock)
    expect(passed(report.steps)).toEqual(['not TCP'])
    expect(verdict(report)).toMatch(/^FAILED: nobody listens at 127.0.0.1 port \d+ \(ECONNREFUSED\)\nstart the node/)
    expect(JSON.parse(checkJson(report))).toMatchObject({
      ok: false,
      problem: expect.any(String),
      advice: expect.any(String)
    })
  })

  it('a node that turns newcomers away', async () => {
    const { address } = await startServer((socket) => socket.destroy())
    const report = await check(address, config, systemClock)
    // where the machine is slow, the reset is there before the connection
    expect([['TCP', 'not security'], ['not TCP']]).toContainEqual(passed(report.steps))
    expect(report.failure?.advice).toMatch(/full/)
  })

  it('a port that accepts and says nothing: told within the 10 s that Docker gives', async () => {
    const clock = new SimulatedClock()
    const { address } = await startServer((socket) => socket.once('data', () => clock.advance(8_000)))
    const report = await check(address, config, clock)
    expect(passed(report.steps)).toEqual(['TCP', 'not security'])
    expect(report.failure?.problem).toMatch(/not over within 8000 ms/)
    expect(clock.pending).toBe(0)
  })

  it('a name that does not exist', async () => {
    const report = await check('/dns4/nowhere.invalid/tcp/1', config, systemClock)
    expect(passed(report.steps)).toEqual(['not resolve'])
    expect(report.failure?.problem).toMatch(/nowhere\.invalid has no address/)
  })

  it('another peer than expected: both are named', async () => {
    const { node, config: own } = await startNode()
    const { peer } = await startStock()
    const report = await check(`/ip4/127.0.0.1/tcp/${own.port}/p2p/${peer.peerId}`, config, systemClock)
    expect(report.ok).toBe(false)
    expect(report.failure?.problem).toBe(`the node there is ${node.libp2p.peerId}, not ${peer.peerId}`)
    expect(passed(report.steps)).toEqual(['TCP', 'not security', 'muxer'])
  })

  it('a peer without a DHT server', async () => {
    const { address } = await startStock()
    const report = await check(address, config, systemClock)
    expect(report.steps.find(({ step }) => step === 'security')?.detail).toMatch(/^\/noise; it is/)
    expect(passed(report.steps).at(-1)).toBe('not identify')
    expect(report.failure?.problem).toMatch(/does not offer \/ipfs\/kad\/1\.0\.0/)
  })

  it('a peer that does not say who it is', async () => {
    const { address } = await startStock('without')
    const report = await check(address, config, systemClock)
    expect(passed(report.steps).at(-1)).toBe('not identify')
  })

  it('a DHT server that forgets what it is given, or hangs up', async () => {
    const { peer, address } = await startStock()
    let answers = true
    await peer.handle(kadProtocol, (stream) => {
      const frames = new FrameReader()
      stream.addEventListener('message', ({ data }) => {
        if (!answers) stream.abort(new Error('no'))
        frames.push(data.subarray().slice())
        for (let frame = frames.next(); typeof frame !== 'string'; frame = frames.next()) {
          const { type = -1 } = decodeRequest(frame) ?? {}
          // a message of two bytes: its type
          if (answers && type !== MessageType.ADD_PROVIDER) stream.send(Uint8Array.of(2, 8, type))
        }
      })
    })
    const forgetful = await check(address, config, systemClock)
    expect(passed(forgetful.steps).at(-1)).toBe('not GET_PROVIDERS')
    expect(forgetful.failure?.problem).toMatch(/does not list the provider record/)
    answers = false
    const rude = await check(address, config, systemClock)
    expect(passed(rude.steps).at(-1)).toBe('not FIND_NODE')
  })
})
