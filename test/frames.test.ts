import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { FrameReader, maxRequestBytes } from '../src/frames.ts'
import { encodeAnswer } from '../src/rendezvous/encode.ts'
import { MessageType } from '../src/rendezvous/wire.ts'

const frame = (size: number) =>
  encodeAnswer({ type: MessageType.PING, clusterLevel: 0, key: new Uint8Array(size).fill(7) })

function readAll(reader: FrameReader): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let next = reader.next(); typeof next !== 'string'; next = reader.next()) frames.push(next)
  return frames
}

it('finds the same messages however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(400), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
      (sizes, cuts) => {
        const whole = Buffer.concat(sizes.map(frame))
        const reader = new FrameReader()
        const found: Uint8Array[] = []
        for (let at = 0, i = 0; at < whole.length; i++) {
          const end = at + cuts[i % cuts.length]!
          reader.push(whole.subarray(at, end))
          found.push(...readAll(reader))
          reader.own()
          at = end
        }
        expect(found.map(({ length }) => length)).toEqual(
          sizes.map((size) => frame(size).length - (frame(size).length > 129 ? 2 : 1))
        )
        expect(reader.pendingBytes).toBe(0)
      }
    )
  )
})

it('refuses a message above its limit before it has arrived', () => {
  const reader = new FrameReader(300)
  reader.push(frame(400).subarray(0, 2))
  expect(reader.next()).toBe('invalid')
  expect(maxRequestBytes).toBeLessThanOrEqual(64 * 1024)
})

it('copies a message that comes in many pieces a few times, not with every piece, and holds at most twice of it', () => {
  const whole = frame(60_000)
  const reader = new FrameReader()
  const buffers = new Set<ArrayBufferLike>()
  let last: Uint8Array | string = 'more'
  for (let at = 0; at < whole.length; at += 10) {
    expect(last).toBe('more')
    // every piece in memory that is used again for the next
    reader.push(whole.subarray(at, at + 10))
    last = reader.next()
    if (typeof last !== 'string') buffers.add(last.buffer)
    reader.own()
  }
  expect(last).toHaveLength(whole.length - 3)
  expect([...buffers][0]?.byteLength).toBeLessThanOrEqual(2 * whole.length)
})

it.each([100, 20_000, 40_000, 60_000])(
  'holds of a message that is half sent, %s bytes of it, no more than it is long',
  (sent) => {
    const whole = frame(60_100)
    const reader = new FrameReader()
    reader.push(whole.subarray(0, sent * 0.7))
    reader.own()
    reader.push(whole.subarray(sent * 0.7, sent))
    reader.own()
    expect(reader.ownedBytes).toBeLessThanOrEqual(Math.min(whole.length, 2 * sent))
  }
)

it('holds of whole messages that wait no more than they are long', () => {
  const waiting = Buffer.concat([frame(1_000), frame(30_000)])
  const reader = new FrameReader()
  reader.push(waiting)
  reader.own()
  expect(reader.ownedBytes).toBe(waiting.length)
})

it('keeps nothing of the memory that a piece came in', () => {
  const [first, second] = [frame(100), frame(200)]
  const memory = Buffer.concat([first, second.subarray(0, 50)])
  const reader = new FrameReader()
  reader.push(memory)
  expect(reader.next()).toHaveLength(first.length - 1)
  reader.own()
  memory.fill(0xff)
  reader.push(second.subarray(50))
  expect(Buffer.from(reader.next() as Uint8Array)).toEqual(Buffer.from(second.subarray(2)))
})

it('refuses a length of more than four bytes, however it comes', () => {
  const padded = Buffer.from('818080800007', 'hex') // 1, with zeros that nobody needs
  const whole = new FrameReader()
  whole.push(padded)
  expect(whole.next()).toBe('invalid')
  const cut = new FrameReader()
  cut.push(padded.subarray(0, 4))
  expect(cut.next()).toBe('invalid')
})

it('refuses a length that does not end', () => {
  const reader = new FrameReader()
  reader.push(Buffer.alloc(4, 0xff))
  expect(reader.next()).toBe('invalid')
})
