import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ByteProtocol, ByteStream } from '../../../src/connection/byte-stream.ts'
import { maxWaitingBytes } from '../../../src/connection/lean/socket-channel.ts'
import { pingEcho, pingProtocol } from '../../../src/connection/ping.ts'
import type { YamuxStream } from '../../../src/connection/yamux/session.ts'
import { answerWithinMs, pingIntervalMs } from '../../../src/host/liveness.ts'
import { ignoring } from '../identify/identified.ts'
import { dataFrame, frame, GO_AWAY, PING, RecordingHandler, RST, SYN, WINDOW_UPDATE } from '../yamux/support.ts'
import { LeanBench, stopAll } from './bench.ts'
import { certificateOf, greeting, lines, noiseClient, tlsClient, yamuxClient } from './raw-client.ts'

let bench: LeanBench
/** The sockets of the listener, in the order of their coming. */
let accepted: Socket[]
const onAccepted = (message: unknown) => void accepted.push((message as { socket: Socket }).socket)

beforeEach(async () => {
  accepted = []
  subscribe('net.server.socket', onAccepted)
  bench = await LeanBench.start()
  bench.protocols.set(pingProtocol, pingEcho)
})
afterEach(async () => {
  unsubscribe('net.server.socket', onAccepted)
  await stopAll()
})

const ids = (count: number) => Array.from({ length: count }, (_, i) => i * 2 + 1)

/** A client that has opened a stream for a ping answers as ever. */
async function expectServed(): Promise<void> {
  const peer = await yamuxClient(bench.port)
  const handler = new RecordingHandler()
  peer.session.open(handler).send(Buffer.concat([lines(greeting, pingProtocol), Buffer.from('still served')]))
  await expect.poll(() => handler.text).toContain('still served')
  peer.raw.socket.destroy()
}

/** What a client is closed for, who sends these bytes once it is secured. */
async function ending(...bytes: Uint8Array[]): Promise<unknown> {
  const { raw, send } = await noiseClient(bench.port)
  await bench.connection()
  send(Buffer.concat(bytes))
  await raw.closed
  await bench.expectNothingLeft()
  expect(bench.failures.snapshot()).toEqual({})
  return bench.endings.snapshot()
}

describe('a peer is closed, and the reason counted, for', () => {
  it('bytes that are no record', async () => {
    const { raw } = await noiseClient(bench.port)
    await bench.connection()
    raw.send(Buffer.alloc(100, 7))
    raw.send(Buffer.alloc(2_000, 7))
    await raw.closed
    await bench.expectNothingLeft()
    expect(bench.endings.snapshot()).toEqual({ 'bad-record': 1 })
  })

  it.each<[string, Uint8Array[]]>([
    ['version', [Buffer.alloc(12, 0xc1)]],
    ['type', [frame(9, 0, 1, 0)]],
    ['stream-id', [frame(WINDOW_UPDATE, SYN, 2, 0)]],
    ['duplicate-stream', [frame(WINDOW_UPDATE, SYN, 1, 0), frame(WINDOW_UPDATE, SYN, 1, 0)]],
    ['window-exceeded', [frame(WINDOW_UPDATE, SYN, 1, 0), frame(0, 0, 1, 300_000)]],
    ['ping-budget', Array.from({ length: 1_001 }, (_, i) => frame(PING, SYN, 0, i))],
    ['reset-budget', ids(2_000).map((id) => frame(WINDOW_UPDATE, SYN, id, 0))],
    ['reset-budget', ids(2_000).flatMap((id) => [frame(WINDOW_UPDATE, SYN, id, 0), frame(WINDOW_UPDATE, RST, id, 0)])]
  ])('%s', async (reason, frames) => {
    expect(await ending(...frames)).toEqual({ [reason]: 1 })
  })

  it('what breaks yamux, and is told so', async () => {
    const { raw, owner } = await yamuxClient(bench.port)
    owner.write(frame(9, 0, 1, 0))
    await raw.closed
    expect(owner.goAways).toEqual([1])
  })

  it('silence, though the socket is open', async () => {
    const { raw } = await noiseClient(bench.port)
    await bench.connection()
    for (let passed = 0; passed < pingIntervalMs + answerWithinMs + 2_000; passed += 1_000) bench.clock.advance(1_000)
    await raw.closed
    expect(bench.endings.snapshot()).toEqual({ silent: 1 })
  })
})

describe('a peer may', () => {
  it('reset 900 streams every 11 s', async () => {
    const { raw, send } = await noiseClient(bench.port)
    const here = await bench.connection()
    let heard = 0
    for (let round = 0; round < 3; round++) {
      const frames = ids(900).flatMap((id) => [frame(WINDOW_UPDATE, SYN, id, 0), frame(WINDOW_UPDATE, RST, id, 0)])
      send(Buffer.concat([...frames, frame(PING, SYN, 0, round)]))
      heard = raw.socket.bytesRead
      await expect.poll(() => raw.socket.bytesRead).toBeGreaterThan(heard)
      bench.clock.advance(11_000)
    }
    expect(here.status).toBe('open')
  })

  it('say goodbye and stay: it is opened no more streams, and its own go on', async () => {
    const peer = await yamuxClient(bench.port)
    const here = await bench.connection()
    const handler = new RecordingHandler()
    const stream = peer.session.open(handler)
    stream.send(lines(greeting, pingProtocol))
    peer.owner.write(frame(GO_AWAY, 0, 0, 0))
    stream.send(Buffer.from('still here'))
    await expect.poll(() => handler.text).toContain('still here')
    await expect(here.newStream('/a')).rejects.toThrow('go-away')
    peer.raw.socket.end()
    await bench.expectNothingLeft()
    expect(bench.endings.snapshot()).toEqual({ 'peer-left': 1 })
  })

  it('open 256 streams and leave them, and no more; all end after 10 s', async () => {
    const { raw, send } = await noiseClient(bench.port)
    const here = await bench.connection()
    send(Buffer.concat(ids(1_000).map((id) => frame(WINDOW_UPDATE, SYN, id, 0))))
    await expect.poll(() => here.streams.length).toBe(256)
    expect(bench.router.pending).toBe(256)
    await expectServed()
    bench.clock.advance(11_000)
    expect([here.streams.length, bench.router.pending, here.status]).toEqual([0, 0, 'open'])
    raw.socket.destroy()
  })
})

/** Answers each request of `requestBytes` with 10 KB, as long as the peer reads. */
const requestBytes = 40
const answerBytes = 10_000
let answered = 0
let mostWaiting = 0
const asked: YamuxStream[] = []
const unsent = () => asked.reduce((sum, { unsentBytes }) => sum + unsentBytes, 0)
const answering: ByteProtocol = {
  maxInboundStreams: 8,
  open: (stream: ByteStream) => {
    asked.push(stream as YamuxStream)
    let waiting = 0
    const answer = () => {
      for (; waiting >= requestBytes; waiting -= requestBytes) {
        answered++
        mostWaiting = Math.max(mostWaiting, accepted[0]!.writableLength)
        if (stream.send(Buffer.alloc(answerBytes, 'answer'))) continue
        waiting -= requestBytes
        return stream.pause()
      }
      return undefined
    }
    return {
      ...ignoring,
      onData(bytes) {
        waiting += bytes.length
        answer()
      },
      onDrain() {
        stream.resume()
        answer()
      }
    }
  }
}

describe('a peer that does not read', () => {
  it.each(['noise', 'tls'] as const)(
    '10,000 answers of 10 KB costs no more than its bounds, over %s',
    async (security) => {
      answered = 0
      mostWaiting = 0
      asked.length = 0
      bench.protocols.set('/ask', answering)
      const requests = [1, 3, 5, 7].flatMap((id) => [
        frame(WINDOW_UPDATE, SYN, id, 0),
        frame(WINDOW_UPDATE, 0, id, 1 << 30),
        dataFrame(id, lines(greeting, '/ask')),
        dataFrame(id, Buffer.alloc(2_500 * requestBytes))
      ])
      const raw = security === 'noise' ? await askOverNoise(requests) : await askOverTls(requests)
      const here = await bench.connection()
      await expect.poll(() => answered).toBeGreaterThan(0)
      // the kernel takes some megabytes; once it takes no more, nothing more is answered
      let last = -1
      const isStill = () => {
        const before = last
        last = answered
        return before === last
      }
      await expect.poll(isStill, { interval: 100 }).toBe(true)
      expect(answered).toBeLessThan(10_000)
      await expectServed()
      expect(unsent()).toBeLessThanOrEqual(4 * answerBytes)
      expect(accepted[0]!.writableLength).toBeLessThan(3 * maxWaitingBytes)
      expect(here.status).toBe('open')
      // whoever reads again is answered everything
      raw.socket.resume()
      await expect.poll(() => answered, { timeout: 10_000 }).toBe(10_000)
      expect(mostWaiting).toBeLessThan(3 * maxWaitingBytes)
      raw.socket.destroy()
    }
  )
})

async function askOverNoise(requests: Uint8Array[]) {
  const { raw, send } = await noiseClient(bench.port)
  raw.release()
  raw.socket.pause()
  send(Buffer.concat(requests))
  return raw
}

async function askOverTls(requests: Uint8Array[]) {
  const { raw, tls } = await tlsClient(bench.port, await certificateOf())
  await bench.connection()
  raw.socket.pause()
  tls.write(Buffer.concat(requests))
  tls.resume()
  return raw
}
