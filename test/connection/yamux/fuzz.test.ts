import fc from 'fast-check'
import { expect, it } from 'vitest'
import { YamuxError } from '../../../src/connection/yamux/session.ts'
import { DATA, frame, GO_AWAY, PING, RecordingHandler, session, WINDOW_BYTES } from './support.ts'

const length = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.constantFrom(WINDOW_BYTES - 1, WINDOW_BYTES, WINDOW_BYTES + 1, 2 ** 31, 2 ** 32 - 1)
)

/** Frames that are mostly possible, for few ids; a payload may be shorter than its header says. */
const someFrame = fc
  .record({
    type: fc.oneof({ weight: 20, arbitrary: fc.integer({ min: 0, max: 3 }) }, { weight: 1, arbitrary: fc.nat(255) }),
    flags: fc.oneof({ weight: 20, arbitrary: fc.nat(15) }, { weight: 1, arbitrary: fc.nat(0xffff) }),
    id: fc.oneof({ weight: 20, arbitrary: fc.constantFrom(1, 2, 3, 5, 7) }, { weight: 1, arbitrary: fc.nat() }),
    length,
    payload: fc.oneof(
      { weight: 5, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) }
    )
  })
  .map(({ type, flags, id, length, payload }) => {
    const to = (type === PING || type === GO_AWAY) && flags < 3 ? 0 : id
    const real = type === DATA && length <= WINDOW_BYTES ? Math.floor(length * payload) : 0
    return frame(type, flags, to, length, Buffer.alloc(real, id))
  })

const valid = fc
  .record({ flags: fc.constantFrom(0, 1, 1, 2, 4, 8), id: fc.constantFrom(1, 3, 5, 7), size: fc.nat(70_000) })
  .map(({ flags, id, size }) => frame(DATA, flags, id, size, Buffer.alloc(size)))

const wire = fc.oneof(
  fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 10 }),
  fc.array(someFrame, { maxLength: 30 }),
  fc.array(fc.oneof(valid, valid, someFrame), { maxLength: 40 }),
  // repeated
  fc
    .array(someFrame, { minLength: 1, maxLength: 5 })
    .chain((frames) => fc.array(fc.constantFrom(...frames), { maxLength: 30 }))
)

const acts = ['read', 'echo', 'pause', 'reset', 'close', 'throw', 'leave'] as const

it('throws nothing but a YamuxError, and after close() leaves nothing, whatever comes', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(wire, fc.constantFrom(...acts), fc.integer({ min: 1, max: 70_000 }), (frames, act, step) => {
      const { yamux, owner } = session('listener', { maxInboundStreams: 3, maxUnreadBytes: 40_000, resetBudget: 3 })
      const handlers: RecordingHandler[] = []
      owner.accept = (stream) => {
        if (act === 'leave') return yamux.close('in the middle')
        const handler = new RecordingHandler()
        handlers.push(handler)
        stream.handler = handler
        if (act === 'pause') stream.pause()
        handler.onDataHook = (bytes) => {
          if (act === 'echo') stream.send(Buffer.from(bytes))
          else if (act === 'reset') stream.reset('')
          else if (act === 'close') stream.close()
          else if (act === 'throw') throw new Error('defect')
        }
      }
      const ours = new RecordingHandler()
      yamux.open(ours)
      const bytes = Buffer.concat(frames)
      try {
        for (let at = 0; at < bytes.length; at += step) yamux.receive(bytes.subarray(at, at + step))
      } catch (cause) {
        if (!(cause instanceof YamuxError)) throw cause
        seen.add(cause.reason)
      }
      expect(yamux.streamCount).toBeLessThanOrEqual(4)
      expect(yamux.unreadBytes).toBeLessThanOrEqual(40_000)
      yamux.close('')
      expect([yamux.streamCount, yamux.unreadBytes, yamux.unsentBytes]).toEqual([0, 0, 0])
      expect(owner.closed).toHaveLength(owner.opened.length + 1)
      for (const { events } of [...handlers, ours]) {
        expect(events.filter((event) => event === 'close')).toHaveLength(1)
        expect(events.at(-1)).toBe('close')
      }
    }),
    { numRuns: 1500 }
  )
  // deep enough: most of the ways to fail are found in each run
  expect(seen.size).toBeGreaterThan(5)
})
