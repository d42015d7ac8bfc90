import { describe, expect, it } from 'vitest'
import {
  ACK,
  DATA,
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

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('frames of the specification', () => {
  it('opens with SYN in a window update, answers the first ping, says why it leaves', () => {
    const { yamux, owner } = session('dialer')
    yamux.open(new RecordingHandler()).send(Buffer.from('hi'))
    expect(owner.taken()).toEqual(hex('00 01 0001 00000001 00000000  00 00 0000 00000001 00000002 6869'))
    yamux.ping()
    expect(owner.taken()).toEqual(hex('00 02 0001 00000000 00000001'))
    yamux.goAway(2)
    expect(owner.taken()).toEqual(hex('00 03 0000 00000000 00000002'))
  })

  it('writes ids and lengths beyond 31 bits', () => {
    const { yamux, owner } = session()
    yamux.receive(hex('00 02 0001 00000000 fedcba98'))
    expect(owner.taken()).toEqual(hex('00 02 0002 00000000 fedcba98'))
    yamux.receive(hex('00 01 0001 fffffffd 00000000'))
    owner.opened[0]?.reset('')
    expect(owner.taken()).toEqual(hex('00 01 0008 fffffffd 00000000'))
  })

  it('answers SYN with ACK in its first frame alone', () => {
    const { opened, frames } = session()
    const { stream } = opened(1)
    expect(frames()).toEqual([])
    stream.send(Buffer.from('a'))
    stream.send(Buffer.from('b'))
    expect(frames().map(({ flags }) => flags)).toEqual([ACK, 0])
  })

  it('gives ids of its own parity to its streams', () => {
    const ids = (role: 'listener' | 'dialer') => {
      const { yamux } = session(role)
      return [yamux.open(new RecordingHandler()).id, yamux.open(new RecordingHandler()).id]
    }
    expect(ids('dialer')).toEqual([1, 3])
    expect(ids('listener')).toEqual([2, 4])
  })

  it('delivers what is cut at any place, in one chunk or byte by byte', () => {
    const wire = Buffer.concat([
      dataFrame(1, 'hello', SYN),
      frame(PING, SYN, 0, 7),
      dataFrame(3, 'other', SYN),
      dataFrame(1, ' world', FIN)
    ])
    for (let size = 1; size <= wire.length; size++) {
      const { yamux, owner, frames } = session()
      for (let at = 0; at < wire.length; at += size) yamux.receive(wire.subarray(at, at + size))
      const [first, second] = owner.opened.map(({ handler }) => handler as RecordingHandler)
      expect(first?.text).toBe('hello world')
      expect(first?.events.at(-1)).toBe('end')
      expect(second?.text).toBe('other')
      expect(frames()).toEqual([{ type: PING, flags: ACK, id: 0, length: 7, payload: '' }])
    }
  })

  it('hands payloads over as views of the chunk, and parts of one as they come', () => {
    const { yamux, opened } = session()
    const { handler } = opened(1)
    const views: Uint8Array[] = []
    handler.onDataHook = (bytes) => views.push(bytes)
    const wire = dataFrame(1, 'abcdef')
    yamux.receive(wire.subarray(0, 14))
    yamux.receive(wire.subarray(14))
    expect(views.map((view) => Buffer.from(view).toString())).toEqual(['ab', 'cdef'])
    for (const view of views) expect(view.buffer).toBe(wire.buffer)
  })
})

describe('what breaks the protocol', () => {
  it.each([
    ['version', hex('01 00 0001 00000001 00000000')],
    ['type', frame(4, 0, 1, 0)],
    ['flags', frame(DATA, 16, 1, 0)],
    ['flags', frame(PING, 0, 0, 0)],
    ['flags', frame(PING, SYN | ACK, 0, 0)],
    ['stream-id', frame(DATA, SYN, 0, 0)],
    ['stream-id', frame(WINDOW_UPDATE, 0, 0, 0)],
    ['stream-id', frame(PING, SYN, 1, 0)],
    ['stream-id', frame(GO_AWAY, 0, 1, 0)],
    ['stream-id', frame(DATA, SYN, 2, 0)],
    ['window-exceeded', frame(DATA, 0, 7, WINDOW_BYTES + 1)],
    ['duplicate-stream', Buffer.concat([frame(DATA, SYN, 1, 0), frame(DATA, SYN, 1, 0)])]
  ])('%s: says GOAWAY 1, throws, and is silent from then on', (reason, wire) => {
    const { yamux, owner, receive, frames } = session()
    expect(reasonOf(() => yamux.receive(wire))).toBe(reason)
    expect(frames()).toEqual([{ type: GO_AWAY, flags: 0, id: 0, length: 1, payload: '' }])
    receive(frame(PING, SYN, 0, 1))
    owner.opened[0]?.send(Buffer.from('late'))
    yamux.ping()
    expect(frames()).toEqual([])
    expect(reasonOf(() => yamux.open(new RecordingHandler()))).toBe('closed')
    yamux.close('')
    expect(yamux.streamCount).toBe(0)
  })
})

describe('ping and going away', () => {
  it('asks one question at a time and hears its answer alone', () => {
    const { yamux, owner, receive, frames } = session()
    receive(frame(PING, ACK, 0, 0))
    yamux.ping()
    yamux.ping()
    const [question, ...more] = frames()
    expect(more).toEqual([])
    receive(frame(PING, ACK, 0, question!.length + 1))
    expect(owner.pongs).toBe(0)
    receive(frame(PING, ACK, 0, question!.length), frame(PING, ACK, 0, question!.length))
    expect(owner.pongs).toBe(1)
    yamux.ping()
    expect(frames()).toHaveLength(1)
  })

  it('opens nothing after the peer is going away, and goes on with what is open', () => {
    const { yamux, owner, receive, opened } = session()
    const { handler } = opened(1)
    receive(frame(GO_AWAY, 0, 0, 0), frame(GO_AWAY, 0, 0, 2), dataFrame(1, 'more'))
    expect(owner.goAways).toEqual([0])
    expect(reasonOf(() => yamux.open(new RecordingHandler()))).toBe('go-away')
    expect(handler.text).toBe('more')
  })

  it('reads no further when the owner closes it for that', () => {
    const { yamux, owner, receive } = session()
    owner.onGoAway = () => yamux.close('it is leaving')
    receive(frame(GO_AWAY, 0, 0, 0), frame(WINDOW_UPDATE, SYN, 1, 0))
    expect([owner.opened, yamux.streamCount]).toEqual([[], 0])
  })

  it('refuses streams after it is going away itself', () => {
    const { yamux, owner, receive, frames } = session()
    yamux.goAway(0)
    receive(dataFrame(1, 'x', SYN))
    expect(owner.opened).toEqual([])
    expect(frames()).toMatchObject([{ type: GO_AWAY }, { type: WINDOW_UPDATE, flags: RST, id: 1 }])
    expect(reasonOf(() => yamux.open(new RecordingHandler()))).toBe('go-away')
  })
})
