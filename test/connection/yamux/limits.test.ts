import { describe, expect, it } from 'vitest'
import type { YamuxStream } from '../../../src/connection/yamux/session.ts'
import {
  dataFrame,
  FIN,
  frame,
  GO_AWAY,
  PING,
  RecordingHandler,
  RST,
  reasonOf,
  SYN,
  session,
  WINDOW_BYTES,
  WINDOW_UPDATE
} from './support.ts'

describe('how many streams', () => {
  it('resets the inbound one beyond the limit, with its data, and nothing else', () => {
    const { yamux, owner, receive, frames } = session('listener', { maxInboundStreams: 2 })
    receive(
      dataFrame(1, 'a', SYN),
      dataFrame(3, 'b', SYN),
      dataFrame(5, 'c', SYN),
      dataFrame(5, 'd'),
      dataFrame(1, 'e')
    )
    expect(frames()).toEqual([{ type: WINDOW_UPDATE, flags: RST, id: 5, length: 0, payload: '' }])
    expect((owner.opened[0]!.handler as RecordingHandler).text).toBe('ae')
    yamux.open(new RecordingHandler())
    owner.opened[0]?.reset('')
    receive(frame(WINDOW_UPDATE, SYN, 7, 0))
    expect(owner.opened.map(({ id }) => id)).toEqual([1, 3, 7])
  })

  it('is 256 by default', () => {
    const { yamux, receive } = session()
    for (let id = 1; id < 600; id += 2) receive(frame(WINDOW_UPDATE, SYN, id, 0))
    expect(yamux.streamCount).toBe(256)
  })

  it('opens no more than its own limit', () => {
    const { yamux, opened } = session('listener', { maxOutboundStreams: 1 })
    opened(1)
    const stream = yamux.open(new RecordingHandler())
    expect(reasonOf(() => yamux.open(new RecordingHandler()))).toBe('too-many-streams')
    stream.reset('')
    expect(yamux.open(new RecordingHandler()).id).toBe(4)
  })
})

describe('rapid resets', () => {
  const flood = Buffer.concat([frame(WINDOW_UPDATE, SYN, 1, 0), frame(WINDOW_UPDATE, RST, 1, 0)])

  it('leave nothing in memory', () => {
    const { yamux, owner } = session('listener', { resetBudget: 100_000, openBudget: 100_000 })
    let handlers = 0
    owner.onStream = (stream: YamuxStream) => {
      handlers++
      stream.handler = { onData() {}, onDrain() {}, onEnd() {}, onClose: () => handlers-- }
    }
    let closed = 0
    owner.onStreamClosed = () => closed++
    for (let i = 0; i < 100_000; i++) {
      const id = 2 * i + 1
      flood.writeUInt32BE(id, 4)
      flood.writeUInt32BE(id, 16)
      yamux.receive(flood)
    }
    expect([yamux.streamCount, handlers, closed]).toEqual([0, 0, 100_000])
    expect([yamux.unreadBytes, yamux.unsentBytes, owner.taken().length]).toEqual([0, 0, 0])
  })

  const sorts: [string, () => ReturnType<typeof session>, Buffer][] = [
    [
      'open and reset',
      () => session(),
      Buffer.concat([frame(WINDOW_UPDATE, SYN, 1, 0), frame(WINDOW_UPDATE, RST, 1, 0)])
    ],
    ['open and reset in one frame', () => session(), frame(WINDOW_UPDATE, SYN | RST, 1, 0)],
    ['refused for the limit', () => session('listener', { maxInboundStreams: 0 }), frame(WINDOW_UPDATE, SYN, 1, 0)],
    [
      'refused by the owner',
      () => {
        const made = session()
        made.owner.accept = (stream) => stream.reset('no')
        return made
      },
      frame(WINDOW_UPDATE, SYN, 1, 0)
    ]
  ]
  it.each(sorts)('%s: end the session when they are more than the owner forgives', (_, make, wire) => {
    const { yamux, receive } = make()
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 1000; i++) receive(wire)
      yamux.relax()
    }
    for (let i = 0; i < 1000; i++) receive(wire)
    expect(reasonOf(() => receive(wire))).toBe('reset-budget')
  })

  it('are not streams that end in order', () => {
    const { owner, receive } = session('listener', { resetBudget: 0 })
    receive(dataFrame(1, 'x', SYN | FIN))
    owner.opened[0]?.close()
    expect(owner.closed).toHaveLength(1)
  })

  it('are those that this node has to make too, once it has heard what is asked', () => {
    const { owner, receive } = session('listener', { resetBudget: 1 })
    receive(frame(WINDOW_UPDATE, SYN, 1, 0), frame(WINDOW_UPDATE, SYN, 3, 0))
    for (const stream of owner.opened) stream.reset('one too many of its protocol')
    expect(reasonOf(() => receive(frame(PING, SYN, 0, 1)))).toBe('reset-budget')
  })
})

describe('streams that end in order', () => {
  const openAndEnd = (owner: ReturnType<typeof session>['owner'], receive: (bytes: Uint8Array) => void, id: number) => {
    receive(dataFrame(id, 'x', SYN | FIN))
    owner.opened.at(-1)?.close()
  }

  it('fail the session when there are too many between two ticks, and not over many', () => {
    const { yamux, owner, receive } = session('listener', { openBudget: 3 })
    let id = 1
    for (let tick = 0; tick < 5; tick++, yamux.relax()) {
      for (let i = 0; i < 3; i++, id += 2) openAndEnd(owner, receive, id)
    }
    for (let i = 0; i < 3; i++, id += 2) openAndEnd(owner, receive, id)
    expect(reasonOf(() => openAndEnd(owner, receive, id))).toBe('open-budget')
  })
})

describe('what is unread', () => {
  it('fails the session beyond its bound, and is given up with it', () => {
    const { yamux, receive, opened, frames } = session()
    for (const id of [1, 3, 5, 7]) {
      opened(id).stream.pause()
      receive(dataFrame(id, Buffer.alloc(WINDOW_BYTES)))
    }
    expect(yamux.unreadBytes).toBe(1024 * 1024)
    opened(9).stream.pause()
    frames()
    expect(reasonOf(() => receive(dataFrame(9, 'x')))).toBe('unread-limit')
    expect(frames()).toMatchObject([{ type: GO_AWAY, length: 1 }])
    yamux.close('')
    expect(yamux.unreadBytes).toBe(0)
  })

  it('costs one piece of memory, however small the frames are', () => {
    const { yamux, opened } = session()
    const { stream, handler } = opened(1)
    stream.pause()
    const wire = Buffer.concat(Array.from({ length: 1024 }, () => dataFrame(1, 'x')))
    yamux.receive(dataFrame(1, 'abc'))
    for (let i = 0; i < WINDOW_BYTES / 1024 - 1; i++) yamux.receive(wire)
    expect(yamux.unreadBytes).toBe(WINDOW_BYTES)
    stream.resume()
    expect(handler.chunks).toHaveLength(1)
    expect(handler.text).toBe(`abc${'x'.repeat(WINDOW_BYTES - 1024)}`)
  })
})

describe('what is unsent', () => {
  it('costs the stream that goes beyond the bound of all, and no other', () => {
    const { yamux, owner, opened, frames } = session('listener', { maxUnsentBytes: 100 })
    const first = opened(1)
    const second = opened(3)
    yamux.holdData()
    first.stream.send(Buffer.alloc(60))
    second.stream.send(Buffer.alloc(40))
    expect(owner.closed).toEqual([])
    expect(second.stream.send(Buffer.alloc(1))).toBe(false)
    expect(frames()).toMatchObject([{ flags: RST, id: 3 }])
    expect([yamux.unsentBytes, second.handler.events]).toEqual([60, ['close']])
    first.stream.reset('')
    expect(yamux.unsentBytes).toBe(0)
  })
})

describe('what a session says by itself', () => {
  it('is never longer than what it heard, so that an owner who stops reading has stopped it', () => {
    for (const wire of [
      frame(PING, SYN, 0, 9),
      frame(WINDOW_UPDATE, SYN, 1, 0),
      dataFrame(1, 'x', SYN),
      dataFrame(1, Buffer.alloc(WINDOW_BYTES), SYN)
    ]) {
      const { owner, receive } = session('listener', { maxInboundStreams: wire.length > 100 ? 1 : 0 })
      let heard = 0
      let said = 0
      for (let i = 0; i < 500; i++) {
        receive(wire)
        heard += wire.length
        said += owner.taken().length
        expect(said).toBeLessThanOrEqual(heard)
        if (wire.length > 100) break
      }
    }
  })

  it('answers as many pings as it has to between two ticks, and no flood of them', () => {
    const { yamux, frames } = session('listener', { pingBudget: 500 })
    const pings = Buffer.concat(Array.from({ length: 500 }, (_, i) => frame(PING, SYN, 0, i)))
    for (let tick = 0; tick < 10; tick++, yamux.relax()) {
      yamux.receive(pings)
      const answers = frames()
      expect(answers).toHaveLength(500)
      expect(answers.at(-1)?.length).toBe(499)
    }
    yamux.receive(pings)
    expect(reasonOf(() => yamux.receive(frame(PING, SYN, 0, 1)))).toBe('ping-budget')
  })
})
