import type { Connection, Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ByteProtocol, ByteStream } from '../../src/connection/byte-stream.ts'
import { asStreamHandler } from '../../src/connection/stock-stream.ts'
import { WindowedStream } from '../support/windowed-stream.ts'
import { RecordingHandler } from './yamux/support.ts'

const connection = {} as Connection
let peer: Stream
let ours: Stream
let stream: ByteStream
let handler: RecordingHandler
const protocol: ByteProtocol = {
  maxInboundStreams: 1,
  open: (opened, from) => {
    expect(from).toBe(connection)
    stream = opened
    return handler
  }
}
const events = () => expect.poll(() => handler.events, { interval: 2 })

beforeEach(async () => {
  handler = new RecordingHandler()
  ;[peer, ours] = await streamPair()
})

describe('a stream of libp2p as a byte stream', () => {
  it('delivers what came before and after it was taken, then the end, then the close', async () => {
    peer.send(Buffer.from('before '))
    await expect.poll(() => ours.readBufferLength).toBeGreaterThan(0)
    await asStreamHandler(protocol)(ours, connection)
    peer.send(Buffer.from('after'))
    await peer.close()
    await events().toContain('end')
    expect(handler.text).toBe('before after')
    stream.close()
    await events().toContain('close')
    expect(handler.events.filter((what) => what !== 'data')).toEqual(['end', 'close'])
  })

  it('delivers the end of a stream that had ended before it was taken', async () => {
    peer.send(Buffer.from('all'))
    await peer.close()
    await expect.poll(() => ours.remoteWriteStatus).toBe('closed')
    await asStreamHandler(protocol)(ours, connection)
    await events().toEqual(['data', 'end'])
    const [other, empty] = await streamPair()
    await other.close()
    await expect.poll(() => empty.remoteWriteStatus).toBe('closed')
    handler = new RecordingHandler()
    await asStreamHandler(protocol)(empty, connection)
    await events().toEqual(['end'])
  })

  it('delivers nothing while it is paused, not even the end', async () => {
    await asStreamHandler(protocol)(ours, connection)
    stream.pause()
    peer.send(Buffer.from('held'))
    await peer.close()
    await expect.poll(() => [ours.remoteWriteStatus, ours.readBufferLength]).toEqual(['closed', 4])
    expect(handler.events).toEqual([])
    stream.resume()
    expect(handler.events).toEqual(['data', 'end'])
    // a stream that has ended is neither paused nor resumed
    stream.pause()
    stream.resume()
    expect(handler.events).toEqual(['data', 'end'])
  })

  it('sends, ends and resets, and is quiet about what comes too late', async () => {
    await asStreamHandler(protocol)(ours, connection)
    const received: Uint8Array[] = []
    peer.addEventListener('message', ({ data }) => received.push(data.subarray()))
    expect(stream.send(Buffer.from('answer'))).toBe(true)
    stream.close()
    await expect.poll(() => peer.remoteWriteStatus).toBe('closed')
    expect(stream.send(Buffer.from('too late'))).toBe(true)
    expect(Buffer.concat(received).toString()).toBe('answer')
    stream.reset('enough')
    await expect.poll(() => peer.status).toBe('reset')
    await events().toContain('close')
  })
})

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

it('says that the peer has caught up when it has, not whenever its connection can take more', async () => {
  let drained = 0
  let carrier: ByteStream | undefined
  const stream = new WindowedStream(100)
  const handle = asStreamHandler({
    maxInboundStreams: 1,
    open: (opened) => {
      carrier = opened
      return { onData: () => {}, onDrain: () => drained++, onEnd: () => {}, onClose: () => {} }
    }
  })
  handle(stream, {} as Connection)

  expect(carrier?.send(new Uint8Array(100))).toBe(true)
  for (const round of [1, 2]) {
    expect(carrier?.send(new Uint8Array(100))).toBe(false)
    for (let i = 0; i < 3; i++) {
      stream.onMuxerDrain()
      await nextTurn()
    }
    expect(drained).toBe(round - 1)
    stream.openWindow(100)
    await expect.poll(() => drained).toBe(round)
  }
  expect(stream.writeBufferLength).toBe(0)
})
