import type { MultiaddrConnection, Stream, StreamMuxer } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { yamux as stockYamux } from '@libp2p/yamux'
import { afterEach, describe, expect, it } from 'vitest'
import { YamuxSession, type YamuxStream } from '../../../src/connection/yamux/session.ts'
import { RecordingHandler, RecordingOwner } from './support.ts'

type StockMuxer = StreamMuxer & { ping(): Promise<number> }

const LONG_BYTES = 3 * 1024 * 1024
const open: { stock: StockMuxer; ours: YamuxSession }[] = []

afterEach(() => {
  for (const { stock, ours } of open.splice(0)) {
    stock.abort(new Error('the test is over'))
    ours.close('the test is over')
  }
})

/** Ours and the muxer of js-libp2p on the two ends of a connection. */
function connected(role: 'dialer' | 'listener') {
  const [dialer, listener] = multiaddrConnectionPair()
  const [here, there]: MultiaddrConnection[] = role === 'dialer' ? [dialer, listener] : [listener, dialer]
  const owner = new RecordingOwner()
  owner.write = (bytes) => void here!.send(bytes)
  const ours = new YamuxSession(role, owner)
  here!.addEventListener('message', ({ data }) => ours.receive(data.subarray()))
  const stock = stockYamux({ enableKeepAlive: false })().createStreamMuxer(there!) as StockMuxer
  open.push({ stock, ours })
  return { owner, ours, stock }
}

/** Sends back what comes, and holds the peer back while the peer does not read. */
function echo(stream: YamuxStream): RecordingHandler {
  const handler = new RecordingHandler()
  handler.onDataHook = (bytes) => {
    if (!stream.send(Buffer.from(bytes))) stream.pause()
  }
  handler.onDrain = () => stream.resume()
  handler.onEnd = () => stream.close()
  return handler
}

async function sendAndCollect(stream: Stream, bytes: Buffer): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  const ended = new Promise((resolve) => stream.addEventListener('remoteCloseWrite', resolve))
  stream.addEventListener('message', ({ data }) => chunks.push(data.subarray()))
  if (!stream.send(bytes)) await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
  await stream.close()
  await ended
  return Buffer.concat(chunks)
}

describe.each(['listener', 'dialer'] as const)('as %s with @libp2p/yamux', (role) => {
  it.each([5, LONG_BYTES])('echoes %i bytes on streams that the other opens', async (size) => {
    const { owner, ours, stock } = connected(role)
    const closed = new Promise<void>((resolve) => {
      owner.onStreamClosed = () => resolve()
    })
    owner.accept = (stream) => {
      stream.handler = echo(stream)
    }
    const bytes = Buffer.alloc(size, 'echo')
    expect((await sendAndCollect(await stock.createStream(), bytes)).equals(bytes)).toBe(true)
    await closed
    expect(ours.streamCount).toBe(0)
  })

  it.each([5, LONG_BYTES])('is echoed %i bytes on streams that it opens, data behind SYN', async (size) => {
    const { ours, stock } = connected(role)
    stock.addEventListener('stream', ({ detail: stream }) => {
      stream.addEventListener('message', ({ data }) => {
        stream.send(data)
      })
      stream.addEventListener('remoteCloseWrite', () => void stream.close())
    })
    const handler = new RecordingHandler()
    const closed = new Promise<void>((resolve) => {
      handler.onClose = resolve
    })
    const stream = ours.open(handler)
    const bytes = Buffer.alloc(size, 'echo')
    stream.send(bytes)
    stream.close()
    await closed
    expect(Buffer.concat(handler.chunks).equals(bytes)).toBe(true)
    expect(ours.streamCount).toBe(0)
  })

  it('hears its reset, and is heard', async () => {
    const { owner, ours, stock } = connected(role)
    const streams: YamuxStream[] = []
    const arrived = Promise.withResolvers<void>()
    const closed = Promise.withResolvers<void>()
    owner.accept = (stream) => {
      stream.handler = new RecordingHandler()
      streams.push(stream)
      if (streams.length === 2) arrived.resolve()
    }
    owner.onStreamClosed = ({ resetBy }) => {
      if (resetBy === 'peer') closed.resolve()
    }
    const [first, second] = [await stock.createStream(), await stock.createStream()]
    await arrived.promise
    const heard = new Promise((resolve) => first.addEventListener('close', resolve))
    streams[0]!.reset('')
    await heard
    expect(first.status).toBe('reset')
    second.abort(new Error('no more'))
    await closed.promise
    expect(ours.streamCount).toBe(0)
  })

  it('answers pings, has its own answered, and is told of the end', async () => {
    const { owner, ours, stock } = connected(role)
    const pong = new Promise<void>((resolve) => {
      owner.onPong = resolve
    })
    const goAway = new Promise<number>((resolve) => {
      owner.onGoAway = resolve
    })
    expect(await stock.ping()).toBeGreaterThanOrEqual(0)
    ours.ping()
    await pong
    await stock.close()
    expect(await goAway).toBe(0)
  })
})
