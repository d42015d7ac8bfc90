import { describe, expect, it } from 'vitest'
import { ACK, dataFrame, FIN, frame, PING, RecordingHandler, RST, SYN, session, WINDOW_UPDATE } from './support.ts'

describe('streams that are no more', () => {
  it('skips data, window updates, FIN and RST for them', () => {
    const { yamux, owner, receive, frames, opened } = session()
    opened(1).stream.reset('')
    frames()
    receive(
      dataFrame(1, 'crossed'),
      frame(WINDOW_UPDATE, 0, 1, 2 ** 32 - 1),
      frame(WINDOW_UPDATE, FIN, 1, 0),
      frame(WINDOW_UPDATE, RST, 1, 5),
      dataFrame(8, 'never ours'),
      dataFrame(3, 'next', SYN)
    )
    expect((owner.opened[1]!.handler as RecordingHandler).text).toBe('next')
    expect(frames()).toEqual([])
    expect(yamux.streamCount).toBe(1)
  })

  it('skips the rest of a payload when the stream is reset amid it', () => {
    const { yamux, opened } = session()
    const { stream, handler } = opened(1)
    handler.onDataHook = () => stream.reset('')
    const wire = Buffer.concat([dataFrame(1, 'abcdef'), dataFrame(3, 'x', SYN)])
    yamux.receive(wire.subarray(0, 13))
    yamux.receive(wire.subarray(13))
    expect(handler.text).toBe('a')
    expect(handler.events).toEqual(['data', 'close'])
    expect(yamux.streamCount).toBe(1)
  })

  it('takes their ids again, and ids in any order, as go-yamux opens them', () => {
    const { yamux, opened } = session()
    opened(5).stream.reset('')
    opened(1)
    opened(5)
    expect([...yamux.streams()].map(({ id }) => id)).toEqual([1, 5])
  })
})

describe('the ends of a stream', () => {
  it('is over when both sides have ended, in either order', () => {
    for (const first of ['us', 'peer']) {
      const { yamux, owner, receive, opened, frames } = session()
      const { stream, handler } = opened(1)
      if (first === 'us') {
        stream.close()
        expect(stream).toMatchObject({ writeClosed: true, readClosed: false, remoteWriteClosed: false })
        receive(dataFrame(1, 'late'), frame(WINDOW_UPDATE, FIN, 1, 0))
      } else {
        receive(dataFrame(1, 'late', FIN))
        expect(stream).toMatchObject({ writeClosed: false, readClosed: true, remoteWriteClosed: true })
        stream.close()
      }
      expect(frames()).toEqual([{ type: WINDOW_UPDATE, flags: FIN | ACK, id: 1, length: 0, payload: '' }])
      expect(handler.events).toEqual(['data', 'end', 'close'])
      expect(owner.closed).toEqual([stream])
      expect(stream.resetBy).toBeUndefined()
      expect(yamux.streamCount).toBe(0)
      stream.close()
      stream.reset('')
      expect(stream.send(Buffer.from('x'))).toBe(true)
      expect(frames()).toEqual([])
      expect(owner.closed).toHaveLength(1)
    }
  })

  it('may end within onEnd', () => {
    const { yamux, owner, receive, opened } = session()
    const { stream, handler } = opened(1)
    handler.onEnd = () => stream.close()
    receive(frame(WINDOW_UPDATE, FIN, 1, 0))
    expect([yamux.streamCount, owner.closed.length, handler.events]).toEqual([0, 1, ['close']])
  })

  it('drops what comes after FIN', () => {
    const { receive, opened } = session()
    const { handler } = opened(1)
    receive(dataFrame(1, 'a', FIN), dataFrame(1, 'b'), frame(WINDOW_UPDATE, FIN, 1, 0))
    expect(handler.events).toEqual(['data', 'end'])
  })

  it.each([
    ['window update with an error code', frame(WINDOW_UPDATE, RST, 1, 0xffffffff)],
    ['data', dataFrame(1, 'never seen', RST)]
  ])('ends at once at a reset in a %s', (_, wire) => {
    const { yamux, owner, receive, opened, frames } = session()
    const { stream, handler } = opened(1)
    receive(wire, frame(PING, SYN, 0, 1))
    expect(handler.events).toEqual(['close'])
    expect(owner.closed).toEqual([stream])
    expect(stream).toMatchObject({ resetBy: 'peer', writeClosed: true, readClosed: true, remoteWriteClosed: true })
    expect(yamux.streamCount).toBe(0)
    expect(frames()).toMatchObject([{ type: PING }])
  })

  it('takes no stream that is reset in its first frame', () => {
    const { owner, receive, frames } = session()
    receive(dataFrame(1, 'x', SYN | RST))
    expect([owner.opened, frames()]).toEqual([[], []])
  })

  it('ends every stream with the connection, and writes nothing', () => {
    const { yamux, owner, opened, frames } = session()
    const { stream, handler } = opened(1)
    handler.onClose = () => {
      handler.events.push('close')
      stream.send(Buffer.from('x'))
      throw new Error('defect')
    }
    const ours = new RecordingHandler()
    yamux.open(ours)
    frames()
    yamux.close('gone')
    yamux.close('twice')
    expect([handler.events, ours.events]).toEqual([['close'], ['close']])
    expect(owner.closed).toHaveLength(2)
    expect([yamux.streamCount, frames()]).toEqual([0, []])
  })
})

describe('what is called on a stream that is over', () => {
  it('does nothing, be it half or whole', () => {
    const { opened, frames } = session()
    const half = opened(1).stream
    half.close()
    expect(frames()).toHaveLength(1)
    half.close()
    expect(half.send(Buffer.from('x'))).toBe(true)
    const whole = opened(3).stream
    whole.reset('')
    expect(frames()).toMatchObject([{ flags: RST }])
    whole.close()
    expect(whole.send(Buffer.from('x'))).toBe(true)
    expect(frames()).toEqual([])
  })

  it('hears of one end, whatever is paused after it', () => {
    const { receive, opened } = session()
    const { stream, handler } = opened(1)
    receive(frame(WINDOW_UPDATE, FIN, 1, 0))
    stream.pause()
    stream.resume()
    expect(handler.events).toEqual(['end'])
  })
})
