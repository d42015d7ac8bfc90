import { describe, expect, it } from 'vitest'
import { dataFrame, FIN, frame, PING, RST, SYN, session, WINDOW_BYTES, WINDOW_UPDATE } from './support.ts'

describe('handlers and owners that throw', () => {
  const boom = () => {
    throw new Error('defect')
  }

  it.each(['onData', 'onEnd', 'onDrain', 'onClose'] as const)('%s costs its own stream alone', (which) => {
    const { yamux, owner, receive, opened, frames } = session()
    const { stream, handler } = opened(1)
    const other = opened(3)
    handler[which] = boom
    stream.send(Buffer.alloc(WINDOW_BYTES + 1))
    frames()
    receive(frame(WINDOW_UPDATE, 0, 1, 1), dataFrame(1, 'a', FIN), dataFrame(3, 'b'))
    if (which === 'onClose') stream.close()
    else expect(frames()).toContainEqual({ type: WINDOW_UPDATE, flags: RST, id: 1, length: 0, payload: '' })
    expect(owner.handlerErrors).toEqual([new Error('defect')])
    expect(owner.closed).toEqual([stream])
    expect(other.handler.text).toBe('b')
    expect(yamux.streamCount).toBe(1)
  })

  it('resets a stream that nobody takes', () => {
    for (const accept of [() => {}, boom]) {
      const { yamux, owner, receive, frames } = session()
      owner.accept = accept
      receive(dataFrame(1, 'x', SYN), frame(PING, SYN, 0, 1))
      expect(frames()).toMatchObject([{ flags: RST, id: 1 }, { type: PING }])
      expect([yamux.streamCount, owner.closed.length]).toEqual([0, 1])
    }
  })
})
