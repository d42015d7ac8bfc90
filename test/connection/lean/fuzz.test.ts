import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { pingEcho, pingProtocol } from '../../../src/connection/ping.ts'
import { dataFrame, frame, SYN, WINDOW_UPDATE } from '../yamux/support.ts'
import { LeanBench, stopAll } from './bench.ts'
import { phases } from './phases.ts'
import { greeting, lines, noiseClient, type RawClient, yamuxClient } from './raw-client.ts'

/** All that a peer's bytes can be counted under; a defect is none of it. */
const reasons = new Set([
  ...['peer-left', 'socket', 'tls', 'certificate', 'closed', 'deadline'],
  ...['line-too-long', 'not-a-line', 'no-multistream', 'too-many-proposals', 'not-supported'],
  ...['bad-message', 'bad-key', 'bad-identity', 'bad-signature', 'bad-record'],
  ...['version', 'type', 'flags', 'stream-id', 'duplicate-stream', 'window-exceeded', 'window-overflow', 'reset-budget']
])
const uncaught: unknown[] = []
const onUncaught = (cause: unknown) => void uncaught.push(cause)

let bench: LeanBench
let witness: Awaited<ReturnType<typeof yamuxClient>>

beforeAll(() => void process.on('uncaughtException', onUncaught).on('unhandledRejection', onUncaught))
afterAll(() => void process.off('uncaughtException', onUncaught).off('unhandledRejection', onUncaught))
beforeEach(async () => {
  bench = await LeanBench.start()
  bench.protocols.set(pingProtocol, pingEcho)
  bench.registrar.handle('/a', () => {})
  witness = await yamuxClient(bench.port)
  await bench.connection()
})
afterEach(stopAll)

/** Sends bytes, leaves, and looks what is left. */
async function attack(come: () => Promise<RawClient>, pieces: readonly Uint8Array[]): Promise<void> {
  const raw = await come()
  for (const piece of pieces) raw.send(piece)
  raw.socket.end()
  await raw.closed
  const left = () => [bench.listener.handshaking, bench.router.pending, bench.opened.length - bench.closed.length]
  await expect.poll(left, { interval: 2 }).toEqual([0, 0, 1])
  const before = witness.owner.pongs
  witness.session.ping()
  await expect.poll(() => witness.owner.pongs, { interval: 2 }).toBe(before + 1)
  const counted = [...Object.keys(bench.failures.snapshot()), ...Object.keys(bench.endings.snapshot())]
  expect(counted.filter((reason) => !reasons.has(reason))).toEqual([])
  expect(uncaught).toEqual([])
  expect(bench.admission.finished).toBe(bench.admission.accepted)
  expect(bench.errors).toEqual([])
}

const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), { minLength: 1, maxLength: 4 })
/** Often nearly right. */
const frames = fc.array(
  fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 30 }),
    fc
      .tuple(fc.nat(4), fc.constantFrom(0, 1, 2, 4, 8, 3, 5, 9), fc.nat(5), fc.constantFrom(0, 1, 100, 2 ** 32 - 1))
      .map(([type, flags, id, length]) => frame(type, flags, id, length)),
    fc
      .tuple(
        fc.constantFrom(1, 3, 5),
        fc.constantFrom('/a', pingProtocol, '/none', 'na'),
        fc.uint8Array({ maxLength: 20 })
      )
      .map(([id, name, rest]) =>
        Buffer.concat([frame(WINDOW_UPDATE, SYN, id, 0), dataFrame(id, Buffer.concat([lines(greeting, name), rest]))])
      )
  ),
  { minLength: 1, maxLength: 8 }
)

describe('whatever a client sends, it alone is closed, for a reason that is counted', () => {
  it.each(Object.entries(phases))('%s', async (_name, go) => {
    await fc.assert(
      fc.asyncProperty(pieces, (bytes) => attack(() => go(bench), bytes)),
      { numRuns: 8 }
    )
  })

  it('within Noise, before the muxer and after', async () => {
    const muxers = fc.constantFrom([], ['/yamux/1.0.0'])
    await fc.assert(
      fc.asyncProperty(muxers, frames, fc.boolean(), (names, sent, negotiates) =>
        attack(async () => {
          const { raw, send } = await noiseClient(bench.port, { muxers: names })
          if (negotiates) send(lines(greeting, '/yamux/1.0.0'))
          send(Buffer.concat(sent))
          return raw
        }, [])
      ),
      { numRuns: 60 }
    )
  })
})
