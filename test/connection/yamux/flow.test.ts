import { describe, expect, it } from 'vitest'
import {
  ACK,
  DATA,
  dataFrame,
  FIN,
  frame,
  PING,
  RecordingHandler,
  RST,
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

describe('a window that nobody needs', () => {
  it.each(['pause', 'reset'] as const)('is not given back by a handler that decides to %s in onData', (what) => {
    const { receive, opened, frames } = session()
    const { stream, handler } = opened(1)
    handler.onDataHook = () => stream[what]('')
    receive(dataFrame(1, Buffer.alloc(HALF)))
    expect(frames().filter(({ length }) => length > 0)).toEqual([])
    stream.resume()
    expect(frames().map(({ length }) => length)).toEqual(what === 'pause' ? [HALF] : [])
  })

  it('is not given back to a peer that has ended its side', () => {
    const { receive, opened, frames } = session()
    const { stream } = opened(1)
    stream.pause()
    receive(dataFrame(1, Buffer.alloc(HALF), FIN))
    stream.resume()
    expect(frames()).toEqual([])
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

  it('does not end in order what onDrain has reset', () => {
    const { receive, opened, frames } = session()
    const { stream, handler } = opened(1)
    stream.send(Buffer.alloc(WINDOW_BYTES + 1))
    stream.close()
    handler.onDrain = () => stream.reset('')
    frames()
    receive(update(1, 1))
    expect(frames().map(({ flags }) => flags)).toEqual([0, RST])
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

  it('keeps the order of a stream that another one writes to while it goes on', () => {
    const { yamux, opened, frames } = session()
    const [first, second] = [opened(1), opened(3)]
    yamux.holdData()
    first.stream.send(Buffer.from('-'))
    second.stream.send(Buffer.from('a'))
    first.handler.onDrain = () => second.stream.send(Buffer.from('b'))
    yamux.releaseData()
    expect(frames().map(({ payload }) => payload)).toEqual(['-', 'a', 'b'])
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
