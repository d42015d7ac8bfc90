import { describe, expect, it } from 'vitest'
import { dataFrame, FIN, frame, session, WINDOW_BYTES, WINDOW_UPDATE } from './support.ts'

const HALF = WINDOW_BYTES / 2

describe('a paused stream', () => {
  it('keeps its data, gives no window back, and delivers both at resume, then the end', () => {
    const { yamux, receive, opened, frames } = session()
    const { stream, handler } = opened(1)
    stream.pause()
    receive(dataFrame(1, Buffer.alloc(HALF)), dataFrame(1, 'ab'), dataFrame(1, 'c'))
    expect([handler.events, frames()]).toEqual([[], []])
    expect(yamux.unreadBytes).toBeGreaterThanOrEqual(HALF + 3)
    stream.resume()
    expect(handler.byteCount).toBe(HALF + 3)
    expect(handler.text.endsWith('abc')).toBe(true)
    expect(yamux.unreadBytes).toBe(0)
    expect(frames()).toMatchObject([{ type: WINDOW_UPDATE, length: HALF + 3 }])
    stream.pause()
    receive(dataFrame(1, 'd', FIN))
    expect(stream).toMatchObject({ remoteWriteClosed: true, readClosed: false })
    stream.close()
    expect(handler.events).toEqual(['data'])
    stream.resume()
    stream.resume()
    expect(handler.events).toEqual(['data', 'data', 'end', 'close'])
    expect(yamux.streamCount).toBe(0)
  })

  it('keeps memory of its own, not of the chunk or of a pool', () => {
    const { receive, opened } = session()
    const { stream, handler } = opened(1)
    let buffer: ArrayBufferLike | undefined
    handler.onDataHook = (bytes) => {
      buffer = bytes.buffer
    }
    stream.pause()
    receive(dataFrame(1, 'abc'))
    stream.resume()
    expect(buffer?.byteLength).toBe(3)
  })

  it('may be paused and resumed within onData', () => {
    const { receive, opened } = session()
    const { stream, handler } = opened(1)
    let end = 0
    handler.onDataHook = () => {
      stream.pause()
      stream.resume()
      // the end comes after this call, not in the middle of it
      end = handler.events.indexOf('end')
    }
    stream.pause()
    receive(dataFrame(1, 'a', FIN))
    stream.resume()
    expect([handler.events, end]).toEqual([['data', 'end'], -1])
  })

  it('stays paused when the handler pauses amid what was kept', () => {
    const { yamux, receive, opened } = session()
    const { stream, handler } = opened(1)
    handler.onDataHook = () => stream.pause()
    receive(dataFrame(1, 'a'), dataFrame(1, 'b'), dataFrame(1, 'c', FIN))
    expect(handler.text).toBe('a')
    stream.resume()
    expect([handler.text, handler.events]).toEqual(['abc', ['data', 'data']])
    stream.resume()
    expect(handler.events).toEqual(['data', 'data', 'end'])
    expect(yamux.unreadBytes).toBe(0)
  })

  it('hears of no end when it is reset amid what was kept', () => {
    const { receive, opened } = session()
    const { stream, handler } = opened(1)
    handler.onDataHook = () => stream.reset('')
    stream.pause()
    receive(dataFrame(1, 'a', FIN))
    stream.resume()
    expect(handler.events).toEqual(['data', 'close'])
  })

  it('leaves nothing behind when it is reset, by either side', () => {
    for (const who of ['us', 'peer', 'close']) {
      const { yamux, receive, opened } = session()
      const { stream, handler } = opened(1)
      stream.pause()
      receive(dataFrame(1, 'abc', FIN))
      if (who === 'us') stream.reset('')
      else if (who === 'peer') receive(frame(WINDOW_UPDATE, 8, 1, 0))
      else yamux.close('')
      stream.resume()
      expect([yamux.unreadBytes, handler.events]).toEqual([0, ['close']])
    }
  })
})
