import { describe, expect, it } from 'vitest'
import { pingEcho } from '../../src/connection/ping.ts'
import { dataFrame, FIN, frame, session, WINDOW_BYTES, WINDOW_UPDATE } from './yamux/support.ts'

/** A ping stream of a peer whose window is under control. */
function opened() {
  const peer = session()
  peer.owner.accept = (stream) => {
    stream.handler = pingEcho.open(stream, {} as never)
  }
  const { stream } = peer.opened(1)
  peer.frames()
  const sent = () =>
    Buffer.from(
      peer
        .frames()
        .map(({ payload }) => payload)
        .join(''),
      'latin1'
    )
  return { ...peer, stream, sent }
}

describe('ping', () => {
  it('sends back what comes, as bytes of its own', () => {
    const { receive, sent } = opened()
    const chunk = dataFrame(1, Buffer.alloc(32, 'ping'))
    receive(chunk)
    chunk.fill(0)
    expect(sent().toString()).toBe('ping'.repeat(8))
  })

  it('does not read a peer that does not read, and goes on where it was', () => {
    const { yamux, receive, sent, stream } = opened()
    const text = Buffer.alloc(WINDOW_BYTES, 'abcdefg')
    receive(dataFrame(1, text))
    receive(dataFrame(1, text.subarray(0, 1_000)))
    receive(dataFrame(1, text.subarray(0, 2_000)))
    expect(sent().equals(text)).toBe(true)
    expect([stream.unsentBytes, yamux.unreadBytes >= 2_000]).toEqual([1_000, true])
    receive(frame(WINDOW_UPDATE, 0, 1, 3_000))
    expect(sent().equals(Buffer.concat([text.subarray(0, 1_000), text.subarray(0, 2_000)]))).toBe(true)
    expect([stream.unsentBytes, yamux.unreadBytes]).toEqual([0, 0])
  })

  it('ends when the peer has ended, and allows two streams', () => {
    const { receive, frames, yamux } = opened()
    receive(dataFrame(1, 'x', FIN))
    expect(frames().at(-1)).toMatchObject({ flags: FIN, id: 1 })
    expect(yamux.streamCount).toBe(0)
    expect(pingEcho.maxInboundStreams).toBe(2)
  })
})
