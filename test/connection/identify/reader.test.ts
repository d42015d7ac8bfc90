import { describe, expect, it } from 'vitest'
import type { ByteStream } from '../../../src/connection/byte-stream.ts'
import { encodeIdentify, framed, type IdentifyMessage } from '../../../src/connection/identify/message.ts'
import { IdentifyReader } from '../../../src/connection/identify/reader.ts'

it('reads the same message of several parts, however the bytes come', () => {
  const address = (n: number) => Uint8Array.from({ length: 8 }, () => n)
  const part = (n: number) =>
    framed(encodeIdentify({ listenAddrs: [address(n)], protocols: [`/${n}`.padEnd(200, 'x')] }))
  const bytes = Buffer.concat([1, 2, 3, 4].map(part))
  for (const size of [1, 7, 50, 150, bytes.length]) {
    let message: IdentifyMessage | undefined
    const stream = { close() {}, reset() {} } as unknown as ByteStream
    const onMessage = (read: IdentifyMessage) => {
      message = read
    }
    const reader = new IdentifyReader(stream, onMessage, () => {})
    for (let at = 0; at < bytes.length; at += size) {
      const chunk = Uint8Array.from(bytes.subarray(at, at + size))
      reader.onData(chunk)
      chunk.fill(0xff)
    }
    reader.onEnd()
    expect(
      message?.listenAddrs.map((one) => Buffer.from(one).toString('hex')),
      `${size}`
    ).toEqual([1, 2, 3, 4].map((n) => Buffer.from(address(n)).toString('hex')))
  }
})

describe('what has come of a message', () => {
  const part = framed(encodeIdentify({ listenAddrs: [], protocols: ['/a'.padEnd(1_000, 'x')] }))
  function reading() {
    const seen = { heldBytes: 0 }
    const holds = (difference: number) => {
      seen.heldBytes += difference
    }
    let reader: IdentifyReader | undefined
    const stream = { close() {}, reset: () => reader?.onClose(), holds } as unknown as ByteStream
    reader = new IdentifyReader(
      stream,
      () => {},
      () => {}
    )
    return { seen, reader }
  }

  it('counts as held until it is whole and over: whole parts, and twice of half a part', () => {
    const { seen, reader } = reading()
    reader.onData(part.subarray(0, 100))
    expect(seen.heldBytes).toBe(200)
    reader.onData(part.subarray(100))
    const { heldBytes } = seen
    expect(heldBytes).toBeGreaterThanOrEqual(part.length - 2)
    reader.onData(part)
    expect(seen.heldBytes).toBeGreaterThanOrEqual(2 * (part.length - 2))
    reader.onEnd()
    reader.onClose()
    expect(seen.heldBytes).toBe(0)
  })

  it('counts no longer when it is given up', () => {
    const { seen, reader } = reading()
    reader.onData(part)
    expect(seen.heldBytes).toBeGreaterThan(1_000)
    reader.onData(Uint8Array.of(2, 0x0a, 5))
    expect(seen.heldBytes).toBe(0)
  })
})
