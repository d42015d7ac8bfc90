import type { Connection } from '@libp2p/interface'
import { expect, it } from 'vitest'
import type { ByteStream } from '../../src/connection/byte-stream.ts'
import { asStreamHandler } from '../../src/connection/stock-stream.ts'
import { WindowedStream } from '../support/windowed-stream.ts'

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
