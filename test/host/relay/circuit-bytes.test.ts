import { StreamMessageEvent } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { expect, it } from 'vitest'
import { carryCounted, circuitBytes } from '../../../src/host/relay/circuit-bytes.ts'
import type { RelayStream } from '../../../src/host/relay/early-bytes.ts'

/** One end of a circuit. */
function end() {
  const seen = { status: 'open', heldBytes: 0, sentBytes: 0 }
  const target = new EventTarget()
  const stream = Object.assign(target, {
    holds: (difference: number) => {
      seen.heldBytes += difference
    },
    send: ({ byteLength }: Uint8Array) => {
      seen.sentBytes += byteLength
      return true
    },
    abort: () => {
      seen.status = 'aborted'
      target.dispatchEvent(new Event('close'))
    }
  })
  Object.defineProperty(stream, 'status', { get: () => seen.status })
  const says = (bytes: number) =>
    target.dispatchEvent(new StreamMessageEvent(new Uint8ArrayList(new Uint8Array(bytes))))
  return { seen, stream: stream as unknown as RelayStream, says }
}

it('what a side has not taken counts as held for it, until it takes it or has left', () => {
  const [a, b] = [end(), end()]
  carryCounted(a.stream, b.stream)
  a.says(1_000)
  a.says(500)
  expect([a.seen.heldBytes, b.seen.heldBytes]).toEqual([0, 1_500])
  b.stream.send(new Uint8Array(1_000))
  expect(b.seen).toMatchObject({ heldBytes: 500, sentBytes: 1_000 })
  b.stream.abort(new Error('left'))
  expect(b.seen.heldBytes).toBe(0)
  a.says(100)
  expect(b.seen.heldBytes).toBe(0)
})

it('a side may send its share, and not a byte more', () => {
  const [a, b] = [end(), end()]
  carryCounted(a.stream, b.stream)
  a.says(circuitBytes)
  expect(a.seen.status).toBe('open')
  a.says(1)
  expect([a.seen.status, b.seen.heldBytes]).toEqual(['aborted', circuitBytes])
})
