import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { FrameReader, maxRequestBytes } from '../../src/rendezvous/frames.ts'
import { encodeAnswer, MessageType } from '../../src/rendezvous/wire.ts'

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

it('joins a message that comes in many pieces once, not with every piece', () => {
  const whole = frame(60_000)
  const reader = new FrameReader()
  let joined = 0
  const { concat } = Buffer
  Buffer.concat = (...args) => {
    joined++
    return concat(...args)
  }
  try {
    for (let at = 0; at < whole.length; at += 10) {
      reader.push(whole.subarray(at, at + 10))
      if (at + 10 < whole.length) expect(reader.next()).toBe('more')
    }
    expect(reader.next()).toHaveLength(whole.length - 3)
  } finally {
    Buffer.concat = concat
  }
  expect(joined).toBeLessThanOrEqual(2)
})

it('refuses a length that does not end', () => {
  const reader = new FrameReader()
  reader.push(Buffer.alloc(4, 0xff))
  expect(reader.next()).toBe('invalid')
})
