import type { Stream } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LeanConnection } from '../../../src/connection/lean/connection.ts'
import { pingEcho, pingProtocol } from '../../../src/connection/ping.ts'
import { remoteIpOf } from '../../../src/peers/address-prefix.ts'
import { LeanBench, stopAll } from './bench.ts'
import { greeting, lines, RawClient, yamuxClient } from './raw-client.ts'
import { dial, echo, exchange, stopClients } from './stock-client.ts'

let bench: LeanBench
beforeEach(async () => {
  bench = await LeanBench.start()
})
afterEach(async () => {
  await stopClients()
  await stopAll()
})

const hello = Buffer.from('hello')
const streamsOf = (connection: LeanConnection) => connection.streams.map(({ protocol }) => protocol)

describe('newStream', () => {
  it('takes the first protocol that the peer supports', async () => {
    const { node, here } = await dial(bench)
    await node.handle('/b', echo)
    const stream = await here.newStream(['/a', '/b', '/c'])
    expect(stream).toMatchObject({ protocol: '/b', direction: 'outbound', status: 'open' })
    expect(streamsOf(here)).toEqual(['/b'])
    expect(here.streams[0]).toBe(stream)
    expect(await exchange(stream, hello)).toEqual(hello)
    await expect.poll(() => here.streams).toEqual([])
  })

  it('fails when the peer supports none, and leaves no stream', async () => {
    const { here } = await dial(bench)
    await expect(here.newStream(['/a', '/b'])).rejects.toMatchObject({ reason: 'not-supported' })
    expect(here.streams).toEqual([])
    expect(bench.router.pending).toBe(0)
  })

  it('fails when the signal has fired, or fires', async () => {
    const { raw } = await yamuxClient(bench.port)
    const here = await bench.connection()
    const controller = new AbortController()
    await expect(here.newStream('/a', { signal: AbortSignal.abort(new Error('early')) })).rejects.toThrow('early')
    const opening = here.newStream('/a', { signal: controller.signal })
    controller.abort(new Error('no patience'))
    await expect(opening).rejects.toThrow('no patience')
    expect([here.streams, bench.router.pending]).toEqual([[], 0])
    raw.socket.end()
  })

  it('is done with the signal once the stream is there', async () => {
    const { node, here } = await dial(bench)
    await node.handle('/a', echo)
    const controller = new AbortController()
    const stream = await here.newStream('/a', { signal: controller.signal })
    controller.abort()
    expect(await exchange(stream, hello)).toEqual(hello)
  })

  it('fails 10 s later when the peer says nothing', async () => {
    await yamuxClient(bench.port)
    const here = await bench.connection()
    const opening = here.newStream('/a')
    expect(bench.router.pending).toBe(1)
    bench.clock.advance(9_000)
    expect(here.streams).toHaveLength(1)
    bench.clock.advance(2_000)
    await expect(opening).rejects.toThrow()
    expect([here.streams, bench.router.pending]).toEqual([[], 0])
  })

  it('fails when the connection ends, and afterwards', async () => {
    await yamuxClient(bench.port)
    const here = await bench.connection()
    const opening = here.newStream('/a')
    here.abort(new Error('enough'))
    await expect(opening).rejects.toThrow('closed before')
    await expect(here.newStream('/a')).rejects.toMatchObject({ name: 'ConnectionClosedError' })
    expect(() =>
      here.openByteStream(
        '/a',
        () => pingEcho.open({} as never, here),
        () => {}
      )
    ).toThrow('aborted')
  })

  it('opens no more of a protocol than its handler allows', async () => {
    const { node, here } = await dial(bench)
    bench.registrar.handle('/a', () => {}, { maxOutboundStreams: 2 })
    await node.handle('/a', () => {})
    await Promise.all([here.newStream('/a'), here.newStream('/a')])
    await expect(here.newStream('/a')).rejects.toMatchObject({ name: 'TooManyOutboundProtocolStreamsError' })
    expect(here.streams).toHaveLength(2)
    await node.handle('/b', () => {})
    await here.newStream('/b', { maxOutboundStreams: 1 })
    await expect(here.newStream('/b', { maxOutboundStreams: 1 })).rejects.toThrow('1 streams of /b')
  })

  it('sends it through the middleware once, and closes one that the middleware refuses', async () => {
    const { node, here } = await dial(bench)
    await node.handle('/a', echo)
    const seen: Stream[] = []
    bench.registrar.middleware.set('/a', [
      (stream, _connection, next) => {
        seen.push(stream)
        next(stream, here)
      }
    ])
    expect(await here.newStream('/a')).toBe(seen[0])
    expect(seen).toHaveLength(1)
    bench.registrar.middleware.set('/a', [() => Promise.reject(new Error('not you'))])
    await expect(here.newStream('/a')).rejects.toThrow('not you')
    expect(here.streams).toHaveLength(1)
  })
})

describe('close', () => {
  it('waits for a peer that closes, too', async () => {
    const { here, there } = await dial(bench)
    const events: string[] = []
    here.addEventListener('close', () => events.push('close'))
    await here.close()
    await here.close()
    expect(events).toEqual(['close'])
    expect(here.status).toBe('closed')
    expect(here.timeline.close).toBeGreaterThanOrEqual(here.timeline.open)
    await expect.poll(() => there.status).not.toBe('open')
    expect(bench.closed).toEqual([here])
  })

  it.each(['clock', 'signal'])(
    'cuts one that does not close: by the %s, and whatever it sends meanwhile',
    async (by) => {
      const { raw, session, owner } = await yamuxClient(bench.port, { allowHalfOpen: true })
      const here = await bench.connection()
      const controller = new AbortController()
      const closing = here.close({ signal: controller.signal })
      await new Promise((resolve) => raw.socket.once('end', resolve))
      expect(owner.goAways).toEqual([0])
      const heard = new Promise((resolve) => bench.events.addEventListener('connection:close', resolve))
      session.ping()
      // the listener has read it once it has answered another
      const other = await RawClient.connect(bench.port)
      await other.send(lines(greeting)).takeLines(greeting)
      expect(here.status).toBe('closing')
      if (by === 'clock') bench.clock.advance(1_000)
      else controller.abort()
      await Promise.all([closing, heard])
      expect(here.status).toBe('aborted')
      expect(bench.endings.snapshot()).toEqual({ closed: 1 })
      raw.socket.destroy()
      other.socket.destroy()
    }
  )
})

describe('a connection', () => {
  it('is announced when it opens and closes, with both in its timeline', async () => {
    const { here, there } = await dial(bench)
    expect(bench.opened).toEqual([here])
    expect(here.timeline).toEqual({ open: expect.any(Number), upgraded: here.timeline.open })
    expect([here.direct, here.id, here.status]).toEqual([true, '0', 'open'])
    there.abort(new Error('gone'))
    await expect.poll(() => bench.closed).toEqual([here])
    expect(['closed', 'aborted']).toContain(here.status)
    here.abort(new Error('again'))
    expect(bench.closed).toHaveLength(1)
  })

  it('that is aborted ends its streams and events, for a reason that is counted', async () => {
    const { here, there } = await dial(bench)
    bench.protocols.set(pingProtocol, pingEcho)
    const stream = await there.newStream(pingProtocol)
    await expect.poll(() => streamsOf(here)).toEqual([pingProtocol])
    const told = new Promise((resolve) =>
      here.addEventListener('close', (event) => resolve('error' in event && event.error))
    )
    here.abort(new Error('a defect'))
    expect(await told).toMatchObject({ message: 'a defect' })
    expect([here.status, here.streams]).toEqual(['aborted', []])
    await expect.poll(() => stream.status).not.toBe('open')
    expect(bench.endings.snapshot()).toEqual({ defect: 1 })
  })

  it('shows streams that cost little as streams, which can be closed', async () => {
    const { here, there } = await dial(bench)
    bench.protocols.set(pingProtocol, pingEcho)
    const stream = await there.newStream(pingProtocol)
    await expect.poll(() => streamsOf(here)).toEqual([pingProtocol])
    expect(here.streams[0]).toMatchObject({ direction: 'inbound', protocol: pingProtocol })
    here.streams[0]!.abort(new Error('no more'))
    await expect.poll(() => stream.status).toBe('reset')
    expect(here.streams).toEqual([])
  })

  it.each([
    ['/ip4/127.0.0.1/tcp/0', '127.0.0.1', '/ip4/127.0.0.1/tcp/'],
    ['/ip6/::1/tcp/0', '::1', '/ip6/::1/tcp/']
  ])('to %s has the address of its peer', async (listen, host, expected) => {
    const other = await LeanBench.start(listen)
    const raw = await yamuxClient(other.port, { host })
    const here = await other.connection()
    const { localPort } = raw.raw.socket
    expect(here.remoteSocketAddr.toString()).toBe(`${expected}${localPort}`)
    expect(here.remoteIp).toBe(remoteIpOf({ remoteAddr: here.remoteAddr }))
    expect(here.remoteAddr.toString()).toBe(`${expected}${localPort}/p2p/${here.remotePeer}`)
  })
})
