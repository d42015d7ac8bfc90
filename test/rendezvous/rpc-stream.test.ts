import { once } from 'node:events'
import type { Connection, Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { beforeEach, describe, expect, it } from 'vitest'
import { asStreamHandler } from '../../src/connection/stock-stream.ts'
import { FrameReader } from '../../src/frames.ts'
import type { RpcResult } from '../../src/observe/timings.ts'
import { encodeAnswer } from '../../src/rendezvous/encode.ts'
import type { Outcome } from '../../src/rendezvous/requests.ts'
import { RpcBudget } from '../../src/rendezvous/rpc-budget.ts'
import { RpcServer, streamIdleMs } from '../../src/rendezvous/rpc-stream.ts'
import { decodeRequest, MessageType, type Request } from '../../src/rendezvous/wire.ts'
import { SimulatedClock } from '../support/clock.ts'
import { WindowedStream } from '../support/windowed-stream.ts'

const request = (key: string) =>
  encodeAnswer({ type: MessageType.FIND_NODE, clusterLevel: 0, key: new Uint8Array(Buffer.from(key)) })
const echo = ({ key }: Request): Outcome => ({ type: MessageType.FIND_NODE, clusterLevel: 0, key })
const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

/** The client's end: answers as texts, in order. */
class Client {
  readonly answers: string[] = []
  readonly #frames = new FrameReader()

  constructor(readonly stream: Stream) {
    stream.addEventListener('message', ({ data }) => {
      this.#frames.push(data.subarray())
      for (let next = this.#frames.next(); typeof next !== 'string'; next = this.#frames.next()) {
        this.answers.push(Buffer.from(decodeRequest(next)!.key).toString())
      }
    })
  }
}

/** Of the deadlines, which are due up to one late. */
const tickMs = 1_000

let clock: SimulatedClock
let client: Client
let server: Stream
/** Type, result and milliseconds of each request. */
let timed: Array<[number | undefined, RpcResult, number]>

async function serve(answer: (request: Request) => Outcome | Promise<Outcome>) {
  const [near, far] = await streamPair()
  client = new Client(near)
  server = far
  serveOn(server, answer)
}

/** As libp2p's registrar calls it. */
function serveOn(stream: Stream, answer: (request: Request) => Outcome | Promise<Outcome>) {
  timed = []
  const timings = {
    handshake() {},
    rpc: (...heard: [number | undefined, RpcResult, number]) => void timed.push(heard)
  }
  const rpc = new RpcServer(clock, answer, { timings })
  const client = { id: new Uint8Array(), key: 'client', prefix: 'here', budget: new RpcBudget(clock.now()) }
  const handler = asStreamHandler({ maxInboundStreams: 32, open: (opened) => rpc.open(opened, client) })
  handler(stream, {} as Connection)
}

beforeEach(() => {
  clock = new SimulatedClock()
})

describe('a kad stream', () => {
  it('answers requests that arrive together, in order', async () => {
    await serve(echo)
    client.stream.send(Buffer.concat(['a', 'b', 'c'].map(request)))
    await expect.poll(() => client.answers).toEqual(['a', 'b', 'c'])
  })

  it('answers a request that arrives byte by byte', async () => {
    await serve(echo)
    for (const byte of request('slow')) client.stream.send(Uint8Array.of(byte))
    await expect.poll(() => client.answers).toEqual(['slow'])
  })

  it('keeps the order when an answer takes its time', async () => {
    await serve(async (asked) => {
      await nextTurn()
      return echo(asked)
    })
    for (const key of ['a', 'b', 'c']) client.stream.send(request(key))
    await expect.poll(() => client.answers).toEqual(['a', 'b', 'c'])
  })

  it('keeps the order when a message arrives in the moment in which the last was answered', async () => {
    const sent: string[] = []
    const waiting: Uint8Array[] = []
    const events = new EventTarget()
    const deliver = (bytes: Uint8Array) => {
      if (fake.readStatus === 'paused') waiting.push(bytes)
      else events.dispatchEvent(Object.assign(new Event('message'), { data: bytes }))
    }
    // what is sent while the stream is paused is delivered by resume(), in the same turn, as libp2p does
    const fake = {
      readStatus: 'readable',
      writeStatus: 'writable',
      writeBufferLength: 0,
      addEventListener: events.addEventListener.bind(events),
      pause: () => {
        fake.readStatus = 'paused'
      },
      resume: () => {
        fake.readStatus = 'readable'
        for (const bytes of waiting.splice(0)) deliver(bytes)
      },
      send: (bytes: Uint8Array) => {
        sent.push(Buffer.from(bytes).toString().at(-1)!)
        return true
      }
    }
    const slow = (asked: Request) => nextTurn().then(() => echo(asked))
    serveOn(fake as unknown as Stream, (asked) => (asked.key[0] === 0x62 ? slow(asked) : echo(asked)))
    deliver(request('a'))
    deliver(request('b'))
    await Promise.resolve()
    deliver(request('c'))
    await expect.poll(() => sent).toHaveLength(3)
    expect(sent).toEqual(['a', 'b', 'c'])
  })

  it('sends nothing where there is no answer, and goes on', async () => {
    await serve((asked) => (asked.key[0] === 0x61 ? 'none' : echo(asked)))
    client.stream.send(Buffer.concat([request('a'), request('b')]))
    await expect.poll(() => client.answers).toEqual(['b'])
  })

  it.each([
    ['what is no message', () => Buffer.from([2, 0x0b, 0x0b])],
    ['a length above 64 KiB', () => Buffer.from([0x81, 0x80, 0x04])]
  ])('resets the stream for %s', async (_what, bytes) => {
    await serve(echo)
    const reset = once(client.stream as unknown as EventTarget, 'close')
    client.stream.send(bytes())
    await reset
    expect(client.stream.status).toBe('reset')
  })

  it('resets the stream for a request that cannot be answered, and when an answer throws', async () => {
    for (const outcome of [() => 'refuse' as const, () => expect.fail('a defect')]) {
      await serve(outcome)
      const reset = once(client.stream as unknown as EventTarget, 'close')
      client.stream.send(request('a'))
      await reset
      expect(client.stream.status).toBe('reset')
      expect(clock.pending).toBe(0)
    }
  })

  it('tells how long each request took, whatever became of it', async () => {
    clock.advance(1_000)
    const late = async (asked: Request) => {
      await nextTurn()
      clock.advance(7)
      return asked.key[0] === 0x64 ? expect.fail('a defect') : echo(asked)
    }
    const outcomes: Record<string, (asked: Request) => Outcome | Promise<Outcome>> = {
      a: echo,
      b: () => 'none',
      c: late,
      d: late,
      e: () => 'refuse',
      f: () => expect.fail('a defect')
    }
    const { FIND_NODE } = MessageType
    for (const [key, heard] of [
      ['a', [FIND_NODE, 'ok', 0]],
      ['b', [FIND_NODE, 'ok', 0]],
      ['c', [FIND_NODE, 'ok', 7]],
      ['d', [FIND_NODE, 'error', 7]],
      ['e', [FIND_NODE, 'refused', 0]],
      ['f', [FIND_NODE, 'error', 0]]
    ] as const) {
      await serve((asked) => outcomes[key]!(asked))
      client.stream.send(request(key))
      await expect.poll(() => timed).toEqual([heard])
    }
    await serve(echo)
    client.stream.send(Buffer.from([2, 0x0b, 0x0b]))
    await expect.poll(() => timed).toEqual([[undefined, 'refused', 0]])
  })

  it('answers and takes no more while the peer does not read, whatever else its connection carries', async () => {
    let answered = 0
    const answerBytes = encodeAnswer(echo({ key: new Uint8Array(1) } as Request) as Exclude<Outcome, string>).length
    const stream = new WindowedStream(answerBytes)
    serveOn(stream, (asked) => {
      answered++
      return echo(asked)
    })
    const requests = Buffer.concat(Array.from({ length: 100 }, () => request('a')))
    for (let round = 0; round < 3; round++) {
      stream.onData(requests)
      for (let i = 0; i < 3; i++) {
        stream.onMuxerDrain()
        await nextTurn()
      }
      // one that was sent and one that waits, whatever the peer has asked for
      await expect.poll(() => answered).toBe(round + 2)
      // what has come since is libp2p's to hold back
      expect(stream.readStatus).toBe('paused')
      expect(stream.readBufferLength).toBe(round * requests.length)
      stream.openWindow(answerBytes)
      await nextTurn()
    }
    stream.openWindow(300 * answerBytes)
    await expect.poll(() => stream.received.length).toBe(300)
    expect(stream.readStatus).toBe('readable')
  })

  it('stays open for a minute without a message, counted from the last, and is then closed, not reset', async () => {
    await serve(echo)
    clock.advance(streamIdleMs - 1)
    client.stream.send(request('a'))
    await expect.poll(() => client.answers).toEqual(['a'])
    clock.advance(streamIdleMs - 1)
    expect(server.status).toBe('open')
    const ended = once(client.stream as unknown as EventTarget, 'remoteCloseWrite')
    clock.advance(1 + tickMs)
    await ended
    expect(client.stream.status).toBe('open')
    await client.stream.close()
    await expect.poll(() => server.status).toBe('closed')
    expect(clock.pending).toBe(0)
  })

  it('does not wait for ever for a peer that does not close its side', async () => {
    await serve(echo)
    clock.advance(2 * streamIdleMs)
    expect(server.status).toBe('aborted')
    expect(clock.pending).toBe(0)
  })

  it('closes its side when the peer has closed its own, after the last answer', async () => {
    await serve(async (asked) => {
      await nextTurn()
      return echo(asked)
    })
    client.stream.send(Buffer.concat([request('a'), request('b')]))
    await client.stream.close()
    await expect.poll(() => client.answers).toEqual(['a', 'b'])
    await expect.poll(() => server.status).toBe('closed')
    expect(clock.pending).toBe(0)
  })
})
