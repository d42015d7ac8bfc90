import { describe, expect, it } from 'vitest'
import {
  ACK,
  DATA,
  dataFrame,
  FIN,
  frame,
  PING,
  RecordingHandler,
  reasonOf,
  SYN,
  session,
  WINDOW_BYTES,
  WINDOW_UPDATE
} from './support.ts'

const HALF = WINDOW_BYTES / 2
const update = (id: number, bytes: number) => frame(WINDOW_UPDATE, 0, id, bytes)

describe('the window of the peer', () => {
  it('gives back what was consumed, once it is half', () => {
    const { receive, opened, frames } = session()
    opened(1)
    receive(dataFrame(1, Buffer.alloc(HALF - 1)))
    expect(frames()).toEqual([])
    receive(dataFrame(1, 'x'))
    expect(frames()).toEqual([{ type: WINDOW_UPDATE, flags: ACK, id: 1, length: HALF, payload: '' }])
    receive(dataFrame(1, Buffer.alloc(WINDOW_BYTES)))
    expect(frames()).toMatchObject([{ flags: 0, length: WINDOW_BYTES }])
  })

  it('fails the session at the first header that goes beyond, before its payload', () => {
    const { receive, opened } = session()
    const { stream } = opened(1)
    stream.pause()
    receive(dataFrame(1, Buffer.alloc(WINDOW_BYTES - 10)))
    receive(frame(DATA, 0, 1, 10))
    receive(Buffer.alloc(10))
    expect(reasonOf(() => receive(frame(DATA, 0, 1, 1)))).toBe('window-exceeded')
  })

  it('counts what comes after FIN, and never gives it back', () => {
    const { receive, opened, frames } = session()
    opened(1)
    receive(dataFrame(1, 'x', FIN), dataFrame(1, Buffer.alloc(WINDOW_BYTES - 1)))
    expect(frames()).toEqual([])
    expect(reasonOf(() => receive(frame(DATA, 0, 1, 1)))).toBe('window-exceeded')
  })
})

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

describe('the window for us', () => {
  it('cuts what is long, queues what does not fit, and says when all is gone', () => {
    const { yamux, receive, opened, frames } = session()
    const { stream, handler } = opened(1)
    expect(stream.send(Buffer.alloc(WINDOW_BYTES))).toBe(true)
    expect(frames().map(({ length }) => length)).toEqual([65536, 65536, 65536, 65536])
    expect([stream.sendWindow, stream.send(Buffer.from('abc')), stream.send(Buffer.from('de'))]).toEqual([
      0,
      false,
      false
    ])
    stream.close()
    expect([yamux.unsentBytes, stream.unsentBytes, frames()]).toEqual([5, 5, []])
    receive(update(1, 4))
    expect(frames()).toMatchObject([{ payload: 'abc' }, { payload: 'd' }])
    expect(handler.events).toEqual([])
    receive(update(1, 4))
    expect(frames()).toMatchObject([{ payload: 'e' }, { type: WINDOW_UPDATE, flags: FIN }])
    expect(yamux.unsentBytes).toBe(0)
    // whoever stopped reading for it may read on
    expect(handler.events).toEqual(['drain'])
  })

  it('sends what onDrain sends before it ends, and ends once', () => {
    const { receive, opened, frames } = session()
    const { stream, handler } = opened(1)
    stream.send(Buffer.alloc(WINDOW_BYTES + 1))
    frames()
    handler.onDrain = () => {
      if (stream.writeClosed) return
      stream.send(Buffer.from('ab'))
      stream.close()
    }
    receive(update(1, 2))
    expect(frames()).toMatchObject([{ length: 1 }, { payload: 'a' }])
    receive(update(1, 2))
    expect(frames()).toMatchObject([{ payload: 'b' }, { flags: FIN }])
    const other = opened(3)
    other.stream.send(Buffer.alloc(WINDOW_BYTES + 1))
    other.handler.onDrain = () => other.stream.close()
    receive(update(3, 1))
    expect(frames().filter(({ flags }) => flags === FIN)).toHaveLength(1)
  })

  it('drains once for each time that it was full', () => {
    const { receive, opened } = session()
    const { stream, handler } = opened(1)
    stream.send(Buffer.alloc(WINDOW_BYTES + 1))
    receive(update(1, 0))
    expect(handler.events).toEqual([])
    receive(update(1, 1), update(1, 1))
    expect(handler.events).toEqual(['drain'])
  })

  it('takes what a SYN brings', () => {
    const { owner, receive } = session()
    receive(frame(WINDOW_UPDATE, SYN, 1, 1000))
    expect(owner.opened[0]?.sendWindow).toBe(WINDOW_BYTES + 1000)
  })

  it('may not outgrow 32 bits', () => {
    const { receive, opened } = session()
    const { stream } = opened(1)
    receive(update(1, 2 ** 32 - 1 - WINDOW_BYTES))
    expect(stream.sendWindow).toBe(2 ** 32 - 1)
    expect(reasonOf(() => receive(update(1, 1)))).toBe('window-overflow')
  })

  it('sends nothing for an empty chunk, and no stream behind by it', () => {
    const { opened, frames } = session()
    const { stream } = opened(1)
    expect(stream.send(new Uint8Array(0))).toBe(true)
    expect(frames()).toEqual([])
  })
})

describe('a socket that is behind', () => {
  it('holds data back, not control frames, and goes on where it was', () => {
    const { yamux, receive, opened, frames } = session()
    const first = opened(1)
    const second = opened(3)
    yamux.holdData()
    expect(first.stream.send(Buffer.from('a'))).toBe(false)
    expect(second.stream.send(Buffer.from('b'))).toBe(false)
    receive(update(1, 10), frame(PING, SYN, 0, 1))
    expect(frames()).toMatchObject([{ type: PING }])
    yamux.releaseData()
    expect(frames()).toMatchObject([{ payload: 'a' }, { payload: 'b' }])
    expect([first.handler.events, second.handler.events]).toEqual([['drain'], ['drain']])
    expect(first.stream.send(Buffer.from('c'))).toBe(true)
  })

  it('may be behind again before all is sent', () => {
    const { yamux, owner, opened, frames } = session()
    const { stream, handler } = opened(1)
    yamux.holdData()
    stream.send(Buffer.alloc(65536 * 2))
    const write = owner.write.bind(owner)
    owner.write = (bytes) => {
      write(bytes)
      yamux.holdData()
    }
    yamux.releaseData()
    expect(frames()).toHaveLength(1)
    expect([yamux.unsentBytes, handler.events]).toEqual([65536, []])
  })

  it('may fail while it is written to', () => {
    const { yamux, owner, opened } = session()
    const { stream, handler } = opened(1)
    yamux.open(new RecordingHandler())
    yamux.holdData()
    stream.send(Buffer.alloc(100))
    owner.write = () => yamux.close('')
    yamux.releaseData()
    expect([yamux.unsentBytes, yamux.streamCount, handler.events]).toEqual([0, 0, ['close']])
  })
})
