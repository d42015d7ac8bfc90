import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { FrameReader } from '../../src/rendezvous/frames.ts'
import { encodeAnswer, MessageType, maxMessageBytes } from '../../src/rendezvous/wire.ts'

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

it('refuses a message above 4 MiB before it has arrived', () => {
  const reader = new FrameReader()
  const prefix = Buffer.alloc(4)
  let rest = maxMessageBytes + 1
  for (let i = 0; i < 4; i++, rest >>>= 7) prefix[i] = (rest & 0x7f) | (i < 3 ? 0x80 : 0)
  reader.push(prefix)
  expect(reader.next()).toBe('invalid')
})

it('refuses a length that does not end', () => {
  const reader = new FrameReader()
  reader.push(Buffer.alloc(4, 0xff))
  expect(reader.next()).toBe('invalid')
})
