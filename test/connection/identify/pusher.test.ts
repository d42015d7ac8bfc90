import type { Connection } from '@libp2p/interface'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ByteStream, ByteStreamHandler } from '../../../src/connection/byte-stream.ts'
import type { OwnMessage } from '../../../src/connection/identify/own-message.ts'
import { Pusher, pushProtocol } from '../../../src/connection/identify/pusher.ts'
import { LeanConnection } from '../../../src/connection/lean/connection.ts'
import { SimulatedClock } from '../../support/clock.ts'

/** A connection that notes the streams that are opened on it. */
class FakeLean {
  readonly streams: FakeStream[] = []
  refuses = false

  openByteStream(
    protocol: string,
    serve: (stream: ByteStream) => ByteStreamHandler,
    onFailed: (e: Error) => void
  ): void {
    expect(protocol).toBe(pushProtocol)
    if (this.refuses) {
      onFailed(new Error('not supported'))
      return
    }
    const stream = new FakeStream()
    this.streams.push(stream)
    stream.handler = serve(stream)
  }
}

class FakeStream implements ByteStream {
  handler!: ByteStreamHandler
  sent = ''
  ended = false
  wasReset = false

  send(bytes: Uint8Array): boolean {
    this.sent += Buffer.from(bytes).toString()
    return true
  }
  pause(): void {}
  resume(): void {}
  close(): void {
    this.ended = true
  }
  reset(): void {
    this.wasReset = true
    this.handler.onClose()
  }
}

let clock: SimulatedClock
let peers: FakeLean[]
let pusher: Pusher
let own: () => Promise<Uint8Array>

const settled = () => new Promise((resolve) => setImmediate(resolve))
const streams = () => peers.flatMap((peer) => peer.streams)

beforeEach(() => {
  clock = new SimulatedClock()
  peers = Array.from({ length: 100 }, () => Object.setPrototypeOf(new FakeLean(), proto) as FakeLean)
  own = async () => Buffer.from('news')
  const message = { get: () => own() } as unknown as OwnMessage
  pusher = new Pusher(message, () => peers as unknown as Connection[], clock)
})
// a lean connection to `instanceof`, without a socket
const proto = Object.create(LeanConnection.prototype, {
  openByteStream: { value: FakeLean.prototype.openByteStream },
  streams: { value: undefined, writable: true }
})

describe('a push', () => {
  it('goes to 32 peers at a time, and to the next when one has taken it', async () => {
    const pushed = pusher.push()
    await settled()
    expect([pusher.busy, streams().length]).toEqual([32, 32])
    expect(streams()[0]).toMatchObject({ sent: '\x04news', ended: true })
    streams()[0]!.handler.onClose()
    await settled()
    expect([pusher.busy, streams().length]).toEqual([32, 33])
    for (let i = 0; i < 100; i++) {
      streams()[i]?.handler.onClose()
      await settled()
    }
    await pushed
    expect([pusher.busy, streams().length, clock.pending]).toEqual([0, 100, 0])
  })

  it('does not wait longer than 5 s for those who do not take it, nor at all for those who refuse', async () => {
    for (const peer of peers.slice(0, 40)) peer.refuses = true
    const pushed = pusher.push()
    await settled()
    expect(streams()).toHaveLength(32)
    clock.advance(4_000)
    expect(streams().some(({ wasReset }) => wasReset)).toBe(false)
    clock.advance(2_000)
    await settled()
    expect(streams().filter(({ wasReset }) => wasReset)).toHaveLength(32)
    clock.advance(6_000)
    await pushed
    expect([streams().length, pusher.busy, clock.pending]).toEqual([60, 0, 0])
  })

  it('is one pass, and one more, however often this node changes meanwhile', async () => {
    peers = peers.slice(0, 3)
    const pushes = [pusher.push(), pusher.push(), pusher.push()]
    await settled()
    expect(streams()).toHaveLength(3)
    pushes.push(pusher.push(), pusher.push())
    for (const { handler } of streams()) handler.onClose()
    await settled()
    expect(streams()).toHaveLength(6)
    for (const { handler } of streams().filter((_, i) => i % 2 === 1)) handler.onClose()
    await Promise.all(pushes)
    expect([streams().length, pusher.busy]).toEqual([6, 0])
  })

  it('is tried again after this node could not describe itself', async () => {
    const good = own
    own = () => Promise.reject(new Error('no key'))
    await expect(pusher.push()).rejects.toThrow('no key')
    own = good
    void pusher.push()
    await settled()
    expect(streams()).toHaveLength(32)
  })

  it('reaches nobody more once it is stopped', async () => {
    const pushed = pusher.push()
    await settled()
    pusher.stop()
    for (const { handler } of streams()) handler.onClose()
    await pushed
    expect([streams().length, pusher.busy, clock.pending]).toEqual([32, 0, 0])
  })
})
