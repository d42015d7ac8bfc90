import type { Connection } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeIdentify, framed, type IdentifyMessage } from '../../../src/connection/identify/message.ts'
import { pushProtocol } from '../../../src/connection/identify/pusher.ts'
import { addressBytesOf } from '../../../src/connection/identify/result.ts'
import { askAfterMs, identifyProtocol } from '../../../src/connection/identify/service.ts'
import type { YamuxStream } from '../../../src/connection/yamux/session.ts'
import { LeanBench, newKey, stopAll } from '../lean/bench.ts'
import { greeting, lines, yamuxClient } from '../lean/raw-client.ts'
import { RecordingHandler } from '../yamux/support.ts'
import { IdentifyBench, ignoring } from './identified.ts'

let bench: LeanBench
let identify: IdentifyBench
beforeEach(async () => {
  bench = await LeanBench.start()
  identify = new IdentifyBench(bench)
})
afterEach(async () => {
  await stopAll()
  identify.service.stop()
})

const said: IdentifyMessage = {
  protocols: ['/kad'],
  listenAddrs: [multiaddr('/ip4/198.51.100.1/tcp/1').bytes],
  agentVersion: 'client/1',
  protocolVersion: 'ipfs/0.1.0'
}
const message = (changes: Partial<IdentifyMessage> = {}) => framed(encodeIdentify({ ...said, ...changes }))

/** A client that answers the question of who it is with these bytes. */
async function client(answer: (stream: YamuxStream) => void, key = newKey()) {
  const before = bench.opened.length
  const peer = await yamuxClient(bench.port, { key: await key })
  peer.owner.accept = (stream) => {
    const handler = new RecordingHandler()
    stream.handler = handler
    let answered = false
    handler.onDataHook = () => {
      if (answered || !handler.text.includes('/ipfs/id')) return
      answered = true
      stream.send(lines(greeting, handler.text.includes('push') ? pushProtocol : identifyProtocol))
      answer(stream)
    }
  }
  await expect.poll(() => bench.opened.length, { interval: 2 }).toBeGreaterThan(before)
  bench.clock.advance(askAfterMs)
  return peer
}

const says =
  (...frames: Uint8Array[]) =>
  (stream: YamuxStream) => {
    for (const frame of frames) stream.send(frame)
    stream.close()
  }
const results = async (count = 1) => {
  await expect.poll(() => identify.results.length, { interval: 2 }).toBe(count)
  return identify.results[count - 1]!
}

describe('a peer that comes', () => {
  it('is asked who it is, and announced', async () => {
    await client(says(message()))
    const result = await results()
    expect(result).toMatchObject({ protocols: ['/kad'], agentVersion: 'client/1', protocolVersion: 'ipfs/0.1.0' })
    expect(result.peerId).toBe(bench.opened[0]!.remotePeer)
    expect(result.connection).toBe(bench.opened[0])
    expect(result.listenAddrs.map(String)).toEqual(['/ip4/198.51.100.1/tcp/1'])
    expect(identify.stored.size).toBe(0)
    expect(identify.service.reading).toBe(0)
  })

  it('may answer in ten parts, each up to 8 KiB', async () => {
    const parts = Array.from({ length: 9 }, (_, i) => message({ protocols: [`/${i}`], listenAddrs: [] }))
    await client(says(...parts, message({ protocols: ['/'.padEnd(8_000)], listenAddrs: [] })))
    expect((await results()).protocols).toHaveLength(10)
  })

  it.each<[string, Uint8Array[]]>([
    ['eleven parts', Array.from({ length: 11 }, () => message())],
    ['a part of more than 8 KiB', [message({ agentVersion: 'long'.repeat(2_048) })]],
    ['no message', [Uint8Array.of(2, 0x0a, 5)]],
    ['half a message', [message().subarray(0, 9)]],
    ['a message and garbage behind it', [message(), Uint8Array.of(2, 0x0a, 5)]],
    ['nothing', []]
  ])('and answers with %s is not announced', async (_what, frames) => {
    const bad = await client(says(...frames))
    await bench.connection()
    await client(says(message()))
    expect((await results()).connection).toBe(bench.opened[1])
    await expect.poll(() => bench.opened[0]!.streams).toEqual([])
    expect(identify.service.reading).toBe(0)
    expect(bad.owner.closed).toHaveLength(1)
  })

  it('and answers nothing is given up after 5 s', async () => {
    await client(() => {})
    await bench.connection()
    await expect.poll(() => identify.service.reading, { interval: 2 }).toBe(1)
    bench.clock.advance(4_000)
    expect(identify.service.reading).toBe(1)
    bench.clock.advance(2_000)
    expect([identify.service.reading, bench.opened[0]!.streams]).toEqual([0, []])
  })

  it('and says goodbye at once can be asked again without harm', async () => {
    const { session, owner } = await client(says())
    const here = await bench.connection()
    session.goAway(0)
    session.ping()
    await expect.poll(() => owner.pongs).toBe(1)
    expect(() => identify.service.identify(here)).not.toThrow()
  })

  it('and has left meanwhile is neither asked nor announced', async () => {
    await client(says(message()))
    await results()
    const [here] = bench.opened
    const patched = Promise.withResolvers<void>()
    identify.wanted = ['/kad']
    identify.storing = () => {
      here!.abort(new Error('gone'))
      patched.resolve()
    }
    identify.service.identify(here!)
    await patched.promise
    expect(() => identify.service.identify(here!)).not.toThrow()
    await new Promise(setImmediate)
    expect(identify.results).toHaveLength(1)
    expect(identify.service.reading).toBe(0)
  })

  it('on a connection that is not lean is left to the library', () => {
    const connection = { status: 'open' } as Connection
    identify.service.identify(connection)
    expect(identify.stock).toEqual([connection])
    expect(identify.service.reading).toBe(0)
  })

  it('keeps addresses of a kind that this node does not know as bytes', async () => {
    const unknown = Uint8Array.of(0xff, 0xff, 0x7f, 1, 2, 3)
    await client(says(message({ listenAddrs: [unknown, ...said.listenAddrs, new Uint8Array()] })))
    const result = await results()
    expect(addressBytesOf(result).map((bytes) => [...bytes])).toEqual([[...unknown], [...said.listenAddrs[0]!], []])
    expect(result.listenAddrs).toHaveLength(1)
  })

  it.each([true, false])('is heard by its signed record, if it is its own: %s', async (own) => {
    const key = await newKey()
    const peerId = peerIdFromPrivateKey(own ? key : await newKey())
    const record = new PeerRecord({ peerId, multiaddrs: [multiaddr('/ip4/203.0.113.9/tcp/9')] })
    const envelope = await RecordEnvelope.seal(record, key)
    await client(says(message({ signedPeerRecord: envelope.marshal().subarray() })), Promise.resolve(key))
    const expected = own ? '/ip4/203.0.113.9/tcp/9' : '/ip4/198.51.100.1/tcp/1'
    expect((await results()).listenAddrs.map(String)).toEqual([expected])
  })

  it('enters the peer store when somebody wants to know of it, and what it takes back goes there too', async () => {
    identify.wanted = ['/kad']
    const peer = await client(says(message()))
    await results()
    const id = bench.opened[0]!.remotePeer.toString()
    expect(identify.stored.get(id)).toEqual({ protocols: ['/kad'], addresses: ['/ip4/198.51.100.1/tcp/1'] })
    const stream = peer.session.open(ignoring)
    stream.send(lines(greeting, pushProtocol))
    says(message({ protocols: ['/other'] }))(stream)
    expect((await results(2)).protocols).toEqual(['/other'])
    expect(identify.stored.get(id)).toMatchObject({ protocols: ['/other'] })
  })
})

describe('a peer that asks', () => {
  it('is asked in return, at once and only once', async () => {
    const peer = await yamuxClient(bench.port, { key: await newKey() })
    const asked: YamuxStream[] = []
    peer.owner.accept = (stream) => {
      stream.handler = ignoring
      asked.push(stream)
    }
    await bench.connection()
    expect(asked).toEqual([])
    peer.session.open(ignoring).send(lines(greeting, identifyProtocol))
    await expect.poll(() => asked.length, { interval: 2 }).toBe(1)
    // this side has nothing to say, which costs no packet of its own
    await expect.poll(() => asked[0]?.remoteWriteClosed, { interval: 2 }).toBe(true)
    bench.clock.advance(askAfterMs)
    peer.session.ping()
    await expect.poll(() => peer.owner.pongs).toBe(1)
    expect(asked).toHaveLength(1)
  })

  it('is told what this node is, and how the peer looks; what changes is told anew', async () => {
    const peer = await client(says())
    const ask = async () => {
      const handler = new RecordingHandler()
      const ended = new Promise<void>((resolve) => {
        handler.onEnd = resolve
      })
      const stream = peer.session.open(handler)
      stream.send(lines(greeting, identifyProtocol))
      await ended
      stream.close()
      return handler.text
    }
    const [first, again] = [await ask(), await ask()]
    expect(first).toContain('bench/1')
    expect(first).toContain('/b')
    expect(again).toBe(first)
    const { bytes } = bench.opened[0]!.remoteSocketAddr
    expect(first).toContain(Buffer.from(bytes).toString('latin1'))
    identify.protocols = ['/new']
    expect(await ask()).toBe(first)
    identify.change()
    expect(await ask()).toContain('/new')
  })

  it('is reset when this node cannot describe itself, and told once it can', async () => {
    const peer = await client(says())
    const good = identify.addresses
    identify.addresses = ['no address']
    const ask = async () => {
      const handler = new RecordingHandler()
      const over = new Promise<void>((resolve) => {
        handler.onEnd = handler.onClose = resolve
      })
      const stream = peer.session.open(handler)
      stream.send(lines(greeting, identifyProtocol))
      await over
      return [stream.resetBy, handler.text.includes('bench/1')]
    }
    expect(await ask()).toEqual(['peer', false])
    identify.addresses = good
    expect(await ask()).toEqual([undefined, true])
  })
})

describe('a service that is stopped', () => {
  it('hears of nothing more', async () => {
    identify.service.stop()
    const peer = await client(says(message()))
    identify.change()
    await bench.connection()
    peer.session.ping()
    await expect.poll(() => peer.owner.pongs).toBe(1)
    expect([peer.owner.opened, identify.results]).toEqual([[], []])
  })
})
