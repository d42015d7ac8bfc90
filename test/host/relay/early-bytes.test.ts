import { type Stream, StreamMessageEvent } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'
import { FullStream } from '../../../src/connection/lean/full-stream.ts'
import { limitEarlyBytes, maxEarlyBytes } from '../../../src/host/relay/early-bytes.ts'
import { session } from '../../connection/yamux/support.ts'

/** A stream that counts what is kept of it, and what is told of these pieces to whoever listens after the limit. */
function limited() {
  const seen = { aborted: false, heldBytes: 0, heardBytes: 0 }
  const stream = Object.assign(new EventTarget(), {
    abort: () => {
      seen.aborted = true
      stream.dispatchEvent(new Event('close'))
    },
    holds: (difference: number) => {
      seen.heldBytes += difference
    }
  })
  const release = limitEarlyBytes(stream as unknown as Stream)
  stream.addEventListener('message', (event) => {
    seen.heardBytes += (event as StreamMessageEvent).data.byteLength
  })
  const comes = (bytes: Uint8Array) => stream.dispatchEvent(new StreamMessageEvent(new Uint8ArrayList(bytes)))
  return { seen, release, comes }
}

/** Whether the stream is aborted when these pieces come. */
function isRefused(...pieces: number[][]): boolean {
  const { seen, comes } = limited()
  for (const piece of pieces) comes(Uint8Array.from(piece))
  return seen.aborted
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

it('looks at the length of the first message alone', () => {
  expect(isRefused([1, 0], [0xff, 0xff, 0xff])).toBe(false)
})

describe('what comes before the stream is part of a circuit', () => {
  it('is some KiB, and nobody hears what is more', () => {
    const { seen, comes } = limited()
    comes(Uint8Array.of(1, 0))
    comes(new Uint8Array(maxEarlyBytes - 2))
    expect(seen).toEqual({ aborted: false, heldBytes: maxEarlyBytes, heardBytes: maxEarlyBytes })
    comes(Uint8Array.of(0))
    expect(seen).toEqual({ aborted: true, heldBytes: 0, heardBytes: maxEarlyBytes })
  })

  it('is neither counted nor limited any more once it is', () => {
    const { seen, release, comes } = limited()
    comes(Uint8Array.of(1, 0))
    release()
    comes(new Uint8Array(2 * maxEarlyBytes))
    expect(seen).toEqual({ aborted: false, heldBytes: 0, heardBytes: 2 + 2 * maxEarlyBytes })
  })

  it('is limited, too, while nobody listens yet', () => {
    const { owner, opened } = session()
    owner.accept = (stream) => {
      const full = new FullStream(stream, '/a', defaultLogger().forComponent('test'))
      full.deliver()
      limitEarlyBytes(full)()
    }
    const { stream } = opened(1)
    stream.receiveData(new Uint8Array(maxEarlyBytes))
    expect(stream.resetBy).toBeUndefined()
    stream.receiveData(new Uint8Array(1))
    expect(stream.resetBy).toBe('us')
  })
})
