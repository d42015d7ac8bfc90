import { afterEach, describe, expect, it } from 'vitest'
import { handshakeWithinMs } from '../../../src/connection/lean/listener.ts'
import { LeanBench, stopAll } from './bench.ts'
import { phases } from './phases.ts'
import { RawClient, yamuxClient } from './raw-client.ts'

afterEach(stopAll)

/** What the client did, and how it ended: once for each socket, whatever happens. */
async function ended(bench: LeanBench, raw: RawClient): Promise<unknown> {
  await expect.poll(() => bench.listener.handshaking, { interval: 2 }).toBe(0)
  await raw.closed
  expect(bench.admission).toMatchObject({ accepted: 1, finished: 1 })
  expect(bench.opened).toEqual([])
  expect(bench.clock.pending).toBe(0)
  return bench.failures.snapshot()
}

const arrived = (bench: LeanBench) => expect.poll(() => bench.listener.handshaking, { interval: 2 }).toBe(1)

/** What is broken by bytes that are no line, no record and no message. */
function brokenBy(phase: string): string {
  if (/tls|TLS|ClientHello/.test(phase)) return 'tls'
  if (phase === 'after Noise, before the muxer') return 'bad-record'
  if (/noise|Noise/.test(phase)) return 'bad-message'
  return phase === 'half a line' ? 'not-a-line' : 'line-too-long'
}

describe.each(Object.entries(phases))('a client that stops: %s', (name, go) => {
  it('is closed at the deadline, and not before', async () => {
    const bench = await LeanBench.start()
    const raw = await go(bench)
    await arrived(bench)
    bench.clock.advance(handshakeWithinMs - 1_000)
    expect(bench.listener.handshaking).toBe(1)
    expect(bench.failures.snapshot()).toEqual({})
    bench.clock.advance(2_000)
    expect(await ended(bench, raw)).toEqual({ deadline: 1 })
  })

  it('and ends its side is forgotten', async () => {
    const bench = await LeanBench.start()
    const raw = await go(bench)
    await arrived(bench)
    raw.socket.end()
    expect(await ended(bench, raw)).toEqual({ 'peer-left': 1 })
  })

  it('and resets the socket is forgotten', async () => {
    const bench = await LeanBench.start()
    const raw = await go(bench)
    await arrived(bench)
    raw.socket.resetAndDestroy()
    const [[reason, count] = []] = Object.entries((await ended(bench, raw)) as Record<string, number>)
    expect(['socket', 'peer-left', 'tls']).toContain(reason)
    expect(count).toBe(1)
  })

  it('and goes on with garbage is counted under what it broke', async () => {
    const bench = await LeanBench.start()
    const raw = await go(bench)
    await arrived(bench)
    raw.send(Buffer.alloc(70_000, 0xc1))
    const reasons = Object.keys((await ended(bench, raw)) as object)
    expect(reasons).toEqual([brokenBy(name)])
  })

  it('is told goodbye when the listener closes', async () => {
    const bench = await LeanBench.start()
    const raw = await go(bench)
    await arrived(bench)
    await bench.listener.close()
    expect(await ended(bench, raw)).toEqual({ closed: 1 })
  })
})

describe('admission', () => {
  it('turns a socket away before a byte of it is read', async () => {
    const bench = await LeanBench.start()
    bench.admission.accepts = false
    const raw = await RawClient.connect(bench.port)
    await raw.closed
    expect(bench.admission.finished).toBe(0)
    expect(bench.listener.handshaking).toBe(0)
    expect(bench.failures.snapshot()).toEqual({})
  })

  it('is told of each one that stays, too; nobody suffers from another', async () => {
    const bench = await LeanBench.start()
    const good = await yamuxClient(bench.port)
    await bench.connection()
    const bad = await RawClient.connect(bench.port)
    bad.send(Buffer.alloc(100, 0xc1))
    await bad.closed
    good.session.ping()
    await expect.poll(() => good.owner.pongs).toBe(1)
    expect(bench.admission).toMatchObject({ accepted: 2, finished: 2 })
    expect(bench.failures.snapshot()).toEqual({ 'line-too-long': 1 })
    good.raw.socket.end()
    await bench.expectNothingLeft()
    expect(bench.endings.snapshot()).toEqual({ 'peer-left': 1 })
  })
})
