import { type Stream, StreamMessageEvent } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { expect, it } from 'vitest'
import { refuseLongRequest } from '../../../src/host/relay/request-length.ts'

/** Whether the stream is aborted when these pieces come. */
function isRefused(...pieces: number[][]): boolean {
  let aborted = false
  const stream = Object.assign(new EventTarget(), {
    abort: () => {
      aborted = true
    }
  }) as unknown as Stream
  refuseLongRequest(stream)
  for (const piece of pieces) {
    stream.dispatchEvent(new StreamMessageEvent(new Uint8ArrayList(Uint8Array.from(piece))))
  }
  return aborted
}

it.each([
  { length: '0', bytes: [0] },
  { length: '127', bytes: [127] },
  { length: '4,096', bytes: [0x80, 0x20] }
])('takes a request of $length bytes', ({ bytes }) => {
  expect(isRefused([...bytes, 1, 2, 3])).toBe(false)
  expect(isRefused(...bytes.map((byte) => [byte]), [1, 2, 3])).toBe(false)
})

it.each([
  { length: '4,097', bytes: [0x81, 0x20] },
  { length: '16,384', bytes: [0x80, 0x80, 0x01] },
  { length: '4 MiB', bytes: [0x80, 0x80, 0x80, 0x02] }
])('refuses one of $length bytes, whole or piece by piece', ({ bytes }) => {
  expect(isRefused([...bytes, 1, 2, 3])).toBe(true)
  expect(isRefused(...bytes.map((byte) => [byte]))).toBe(true)
})

it('looks at the first message alone: what follows on the stream is not its concern', () => {
  expect(isRefused([1, 0], [0xff, 0xff, 0xff])).toBe(false)
})
