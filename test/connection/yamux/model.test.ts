import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ByteStreamHandler } from '../../../src/connection/byte-stream.ts'
import { YamuxSession, type YamuxStream } from '../../../src/connection/yamux/session.ts'

/** What one side sends on a stream at this position; differs by stream, so that nothing gets mixed up unseen. */
const byteAt = (id: number, position: number) => (position * 31 + (position >> 8) + id * 7) & 0xff

/** One side of a stream: checks what comes against what the other side sends. */
class End implements ByteStreamHandler {
  sent = 0
  received = 0
  ended = 0
  closed = 0
  drained = true
  stream!: YamuxStream

  send(size: number): void {
    if (this.stream.writeClosed) return
    const { id } = this.stream
    const from = this.sent
    this.drained = this.stream.send(Uint8Array.from({ length: size }, (_, i) => byteAt(id, from + i)))
    if (this.stream.resetBy === undefined) this.sent += size
  }

  onData(bytes: Uint8Array): void {
    if (this.closed + this.ended > 0) throw new Error('data after the end')
    const at = bytes.findIndex((byte, i) => byte !== byteAt(this.stream.id, this.received + i))
    if (at !== -1) throw new Error(`wrong byte at ${this.received + at}`)
    this.received += bytes.length
  }

  onDrain(): void {
    if (this.stream.unsentBytes > 0) throw new Error('drained with bytes left')
    this.drained = true
  }

  onEnd(): void {
    if (this.closed + this.ended > 0) throw new Error('a second end')
    this.ended++
  }

  onClose(): void {
    this.closed++
  }
}

class Side {
  readonly ends = new Map<number, End>()
  readonly errors: unknown[] = []
  readonly yamux: YamuxSession
  closed = 0
  /** What the other side has yet to receive. */
  wire = Buffer.alloc(0)
  #batch: Uint8Array[] = []

  constructor(role: 'dialer' | 'listener') {
    this.yamux = new YamuxSession(
      role,
      {
        write: (bytes) => this.#batch.push(bytes),
        onStream: (stream) => this.#add(stream),
        onStreamClosed: () => this.closed++,
        onPong() {},
        onGoAway() {},
        onHandlerError: (_, cause) => this.errors.push(cause)
      },
      { maxUnreadBytes: Number.POSITIVE_INFINITY, maxUnsentBytes: Number.POSITIVE_INFINITY }
    )
  }

  #add(stream: YamuxStream): void {
    const end = new End()
    end.stream = stream
    stream.handler = end
    this.ends.set(stream.id, end)
  }

  open(): void {
    const end = new End()
    end.stream = this.yamux.open(end)
    this.ends.set(end.stream.id, end)
  }

  pick(index: number): End | undefined {
    return [...this.ends.values()][index % Math.max(1, this.ends.size)]
  }

  /** Passes some bytes on, as one chunk. @returns whether there were any */
  pass(size: number, to: Side): boolean {
    this.wire = Buffer.concat([this.wire, ...this.#batch.splice(0)])
    const chunk = this.wire.subarray(0, size)
    this.wire = this.wire.subarray(size)
    to.yamux.receive(chunk)
    return chunk.length > 0
  }
}

const size = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 300_000 }))
const commands = fc.array(
  fc.record({
    kind: fc.constantFrom(
      'open',
      'send',
      'send',
      'send',
      'pass',
      'pass',
      'pass',
      'pause',
      'resume',
      'close',
      'reset',
      'hold'
    ),
    side: fc.integer({ min: 0, max: 1 }),
    pick: fc.nat(5),
    size
  }),
  { minLength: 10, maxLength: 80 }
)

it('carries every byte in order whatever is paused, cut, ended or reset, and leaves no stream', () => {
  const seen = { whole: 0, reset: 0, queued: 0, unread: 0 }
  fc.assert(
    fc.property(commands, (list) => {
      const sides = [new Side('dialer'), new Side('listener')] as const
      sides[0].open()
      for (const { kind, side, pick, size } of list) {
        const here = sides[side]!
        const there = sides[1 - side]!
        const end = here.pick(pick)
        if (kind === 'open') here.open()
        else if (kind === 'pass') here.pass(size, there)
        else if (kind === 'hold') here.yamux.holdData()
        else if (kind === 'send') end?.send(size)
        else if (kind === 'reset' && size % 4 === 0) end?.stream.reset('')
        else if (kind === 'pause' || kind === 'resume' || kind === 'close') end?.stream[kind]()
        if (here.yamux.unsentBytes > 0) seen.queued++
        if (there.yamux.unreadBytes > 0) seen.unread++
      }
      for (let idle = 0; idle < 2; idle++) {
        for (const here of sides) {
          here.yamux.releaseData()
          for (const { stream } of here.ends.values()) {
            stream.resume()
            stream.close()
          }
        }
        while ([sides[0].pass(1e6, sides[1]), sides[1].pass(1e6, sides[0])].includes(true)) idle = 0
      }
      for (const here of sides) {
        const there = here === sides[0] ? sides[1] : sides[0]
        expect(here.errors).toEqual([])
        expect([here.yamux.streamCount, here.yamux.unreadBytes, here.yamux.unsentBytes]).toEqual([0, 0, 0])
        expect(here.closed).toBe(here.ends.size)
        for (const [id, end] of here.ends) {
          expect(end.closed).toBe(1)
          const other = there.ends.get(id)
          // a stream that was reset may end early, or before the other side heard of it
          if (end.stream.resetBy !== undefined || other?.stream.resetBy !== undefined) {
            expect(end.received).toBeLessThanOrEqual(other?.sent ?? 0)
            seen.reset++
          } else {
            expect([end.received, end.ended, end.drained]).toEqual([other?.sent, 1, true])
            seen.whole++
          }
        }
      }
    }),
    { numRuns: 150 }
  )
  // the generator reaches what this is about
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(10)
})
