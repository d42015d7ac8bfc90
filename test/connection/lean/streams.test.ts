import type { Connection, Stream } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ByteProtocol, ByteStream } from '../../../src/connection/byte-stream.ts'
import { pingEcho, pingProtocol } from '../../../src/connection/ping.ts'
import { ignoring } from '../identify/identified.ts'
import { RecordingHandler } from '../yamux/support.ts'
import { LeanBench, stopAll } from './bench.ts'
import { greeting, lines, yamuxClient } from './raw-client.ts'
import { dial, stopClients } from './stock-client.ts'

let bench: LeanBench
beforeEach(async () => {
  bench = await LeanBench.start()
})
afterEach(async () => {
  await stopClients()
  await stopAll()
})

const countOf = async (protocol: string) => (await bench.connection()).countStreams(protocol, true)
/** Everything that a client has sent so far has been handled. */
async function handled({ session, owner }: Awaited<ReturnType<typeof yamuxClient>>): Promise<void> {
  const before = owner.pongs
  session.ping()
  await expect.poll(() => owner.pongs, { interval: 2 }).toBe(before + 1)
}

describe('a stream that the peer opens', () => {
  it('is given 10 s to name its protocol', async () => {
    const peer = await yamuxClient(bench.port)
    const handler = new RecordingHandler()
    peer.session.open(handler).send(lines(greeting))
    await handled(peer)
    expect(bench.router.pending).toBe(1)
    bench.clock.advance(9_000)
    expect(bench.router.pending).toBe(1)
    bench.clock.advance(2_000)
    expect([bench.router.pending, bench.opened[0]!.streams]).toEqual([0, []])
    await handled(peer)
    expect(handler.events).toContain('close')
    expect(bench.opened[0]!.status).toBe('open')
  })

  it('is reset when it names none, or says what is no line', async () => {
    const peer = await yamuxClient(bench.port)
    const [ends, garbage] = [new RecordingHandler(), new RecordingHandler()]
    peer.session.open(ends).close()
    peer.session.open(garbage).send(Buffer.alloc(20, 0xff))
    await handled(peer)
    expect(peer.owner.closed.map(({ resetBy }) => resetBy)).toEqual(['peer', 'peer'])
    expect([bench.router.pending, bench.opened[0]!.streams]).toEqual([0, []])
  })

  it('may go through names until one is known', async () => {
    const { there } = await dial(bench)
    bench.protocols.set(pingProtocol, pingEcho)
    expect((await there.newStream(['/a', '/b', pingProtocol])).protocol).toBe(pingProtocol)
    await expect(there.newStream(['/a', '/b'])).rejects.toThrow()
  })

  it('is served by a byte protocol before the registrar, and only as often as that allows', async () => {
    bench.protocols.set(pingProtocol, pingEcho)
    bench.registrar.handle(pingProtocol, () => expect.unreachable())
    const peer = await yamuxClient(bench.port)
    const handlers = Array.from({ length: 3 }, () => new RecordingHandler())
    for (const handler of handlers) peer.session.open(handler).send(lines(greeting, pingProtocol))
    await handled(peer)
    expect(await countOf(pingProtocol)).toBe(2)
    expect(handlers.map(({ events }) => events.includes('close'))).toEqual([false, false, true])
    // another connection has its own
    const other = await yamuxClient(bench.port)
    other.session.open(ignoring).send(lines(greeting, pingProtocol))
    await handled(other)
    expect(bench.opened[1]!.countStreams(pingProtocol, true)).toBe(1)
  })

  it.each([
    [undefined, 32],
    [3, 3]
  ])("goes to the registrar's handler, whose limit is %s: %i", async (maxInboundStreams, limit) => {
    const streams: [Stream, Connection][] = []
    const options = maxInboundStreams === undefined ? {} : { maxInboundStreams }
    bench.registrar.handle('/a', (stream, connection) => void streams.push([stream, connection]), options)
    const peer = await yamuxClient(bench.port)
    for (let i = 0; i < limit + 1; i++) peer.session.open(ignoring).send(lines(greeting, '/a'))
    await handled(peer)
    expect(streams).toHaveLength(limit)
    expect(streams[0]![1]).toBe(bench.opened[0])
    expect(await countOf('/a')).toBe(limit)
  })

  it('passes the middleware once, in order, and is reset when that refuses', async () => {
    const seen: string[] = []
    bench.registrar.handle('/a', () => void seen.push('handler'))
    bench.registrar.middleware.set('/a', [
      (stream, connection, next) => {
        seen.push('first')
        next(stream, connection)
      },
      (stream, connection, next) => {
        seen.push('second')
        next(stream, connection)
      }
    ])
    const peer = await yamuxClient(bench.port)
    peer.session.open(ignoring).send(lines(greeting, '/a'))
    await handled(peer)
    expect(seen).toEqual(['first', 'second', 'handler'])
    bench.registrar.middleware.set('/a', [() => Promise.reject(new Error('not you'))])
    peer.session.open(ignoring).send(lines(greeting, '/a'))
    await expect.poll(() => peer.owner.closed.length).toBe(1)
    expect(seen).toHaveLength(3)
  })

  it('whose handler fails is reset and logged; others go on', async () => {
    const failing: ByteProtocol = {
      maxInboundStreams: 8,
      open: () => ({
        ...ignoring,
        onData() {
          throw new Error('a defect of data')
        }
      })
    }
    bench.protocols.set(pingProtocol, pingEcho).set('/data', failing)
    bench.protocols.set('/open', { ...failing, open: () => expect.unreachable('a defect of open') })
    bench.registrar.handle('/handler', () => {
      throw new Error('a defect of a handler')
    })
    const peer = await yamuxClient(bench.port)
    const healthy = new RecordingHandler()
    const stream = peer.session.open(healthy)
    stream.send(lines(greeting, pingProtocol))
    for (const protocol of ['/data', '/open', '/handler']) {
      peer.session.open(ignoring).send(Buffer.concat([lines(greeting, protocol), Buffer.from('x')]))
    }
    await handled(peer)
    stream.send(Buffer.from('still here'))
    await expect.poll(() => healthy.text).toContain('still here')
    expect(peer.owner.closed.map(({ resetBy }) => resetBy)).toEqual(['peer', 'peer', 'peer'])
    const errors = bench.errors.join('\n')
    for (const what of ['data', 'open', 'a handler']) expect(errors).toContain(`a defect of ${what}`)
  })
})

it('a handler may end its connection, of which nothing is left', async () => {
  bench.protocols.set('/end', {
    maxInboundStreams: 1,
    open: (_stream, connection) => ({ ...ignoring, onData: () => connection.abort(new Error('a defect')) })
  })
  const peer = await yamuxClient(bench.port)
  peer.session.open(ignoring).send(Buffer.concat([lines(greeting, '/end'), Buffer.from('x')]))
  await peer.raw.closed
  await bench.expectNothingLeft()
})

describe('a stream of little cost that this node opens', () => {
  it('gets its handler when the peer agrees, with what came behind', async () => {
    const peer = await yamuxClient(bench.port)
    peer.owner.accept = (stream) => {
      stream.handler = new RecordingHandler()
      stream.send(Buffer.concat([lines(greeting, '/a'), Buffer.from('behind')]))
    }
    const handler = new RecordingHandler()
    let served: ByteStream | undefined
    const here = await bench.connection()
    here.openByteStream(
      '/a',
      (stream) => {
        served = stream
        return handler
      },
      () => expect.unreachable()
    )
    await expect.poll(() => handler.text).toBe('behind')
    expect([here.countStreams('/a', false), here.countStreams('/a', true), bench.router.pending]).toEqual([1, 0, 0])
    served!.reset('')
    expect(here.countStreams('/a', false)).toBe(0)
  })

  it('fails when the peer does not', async () => {
    const { here } = await dial(bench)
    const failed = new Promise((resolve) => here.openByteStream('/a', () => expect.unreachable(), resolve))
    expect(await failed).toMatchObject({ reason: 'not-supported' })
    expect([here.streams, bench.router.pending]).toEqual([[], 0])
  })
})
