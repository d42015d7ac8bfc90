import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { maxEarlyBytes } from '../../../src/host/relay/early-bytes.ts'
import { lingerMs } from '../../../src/host/relay/ended-streams.ts'
import { reserveEveryMs, reservesAtOnce } from '../../../src/host/relay/reserve-pace.ts'
import { RelayBench, type RelayClient, status, stopAgreement, stopAnswer } from './bench.ts'

let bench: RelayBench
let source: RelayClient
let target: RelayClient
beforeEach(async () => {
  bench = await RelayBench.start()
  source = await bench.client()
  target = await bench.client()
})
afterEach(() => bench.stop())

/** Streams that are open, of the source and of the target. */
const open = () => bench.lean.opened.map(({ streamCount }) => streamCount)

async function reserved(): Promise<void> {
  const asked = target.reserve()
  await expect.poll(() => asked.status).toBe(status.ok)
  asked.stream.close()
  await expect.poll(open).toEqual([0, 0])
}

describe('a request', () => {
  it('is over when it is answered: the peer may close its side, or is made to', async () => {
    const [closes, stays, reserves] = [source.connect(target.id), source.connect(target.id), source.reserve()]
    await expect.poll(() => [closes.status, stays.status]).toEqual([status.noReservation, status.noReservation])
    for (const { events } of [closes, stays, reserves]) await expect.poll(() => events).toContain('end')
    closes.stream.close()
    stays.stream.send(Buffer.alloc(3 * 1024 * 1024))
    await expect.poll(open).toEqual([2, 0])
    expect(bench.lean.opened[0]!.streams.map(({ readBufferLength }) => readBufferLength)).toEqual([0, 0])
    bench.lean.clock.advance(lingerMs + 1_000)
    await expect.poll(() => stays.stream.resetBy).toBe('peer')
    expect(open()).toEqual([0, 0])
  })

  it('is reset when more comes behind it than a few KiB while it waits for its answer', async () => {
    await reserved()
    const [modest, greedy] = [source.connect(target.id), source.connect(target.id)]
    await expect.poll(() => target.stops.length).toBe(2)
    modest.stream.send(Buffer.alloc(1024))
    greedy.stream.send(Buffer.alloc(maxEarlyBytes))
    await expect.poll(() => greedy.stream.resetBy).toBe('peer')
    expect(modest.stream.resetBy).toBeUndefined()
    // the target's answer comes too late for one of them
    for (const stream of target.stops) stream.send(stopAnswer(status.ok))
    await expect.poll(() => modest.status).toBe(status.ok)
    await expect.poll(() => target.stops.map(({ resetBy }) => resetBy)).toEqual([undefined, 'peer'])
  })

  it('for a reservation is answered a few times at once, and one every 10 s', async () => {
    const answers = async (count: number) => {
      const asked = Array.from({ length: count }, () => source.reserve())
      await expect.poll(() => asked.every((one) => one.status !== undefined)).toBe(true)
      return asked.filter((one) => one.status === status.ok).length
    }
    expect(await answers(10)).toBe(reservesAtOnce)
    bench.lean.clock.advance(reserveEveryMs)
    expect(await answers(2)).toBe(1)
    // another connection has its own
    const other = target.reserve()
    await expect.poll(() => other.status).toBe(status.ok)
  })
})

describe('the peer that is asked to take a circuit', () => {
  it('may not answer with more than a relay message', async () => {
    await reserved()
    const asked = source.connect(target.id)
    await expect.poll(() => target.stops.length).toBe(1)
    target.stops[0]!.send(stopAnswer(status.ok, Buffer.alloc(4_000_000, Uint8Array.of(0x12, 0))))
    await expect.poll(() => asked.status).toBe(status.connectionFailed)
    expect(target.stops[0]!.resetBy).toBe('peer')
  })

  it('may answer in the packet in which it agrees to be asked', async () => {
    await reserved()
    target.agreement = Buffer.concat([stopAgreement, stopAnswer(status.ok)])
    const asked = source.connect(target.id)
    await expect.poll(() => asked.status).toBe(status.ok)
  })

  it('is heard no further when it declines', async () => {
    await reserved()
    const asked = source.connect(target.id)
    await expect.poll(() => target.stops.length).toBe(1)
    target.stops[0]!.send(stopAnswer(status.connectionFailed))
    await expect.poll(() => asked.status).toBe(status.connectionFailed)
    target.stops[0]!.send(Buffer.alloc(1024 * 1024))
    await target.handled()
    expect(bench.lean.opened[1]!.streams.map(({ readBufferLength }) => readBufferLength)).toEqual([0])
    bench.lean.clock.advance(lingerMs + 1_000)
    await expect.poll(() => target.stops[0]!.resetBy).toBe('peer')
  })

  it('is left alone when who asked has left before it answered', async () => {
    await reserved()
    const asked = source.connect(target.id)
    await expect.poll(() => target.stops.length).toBe(1)
    asked.stream.reset('enough')
    await source.handled()
    target.stops[0]!.send(stopAnswer(status.ok))
    await expect.poll(() => target.stops[0]!.resetBy).toBe('peer')
    expect(open()).toEqual([0, 0])
  })
})

describe('circuits of a peer', () => {
  it('are no more than its places, however many it asks for at once', async () => {
    await reserved()
    const asked = Array.from({ length: 20 }, () => source.connect(target.id))
    const of = (code: number | undefined) => asked.filter((one) => one.status === code).length
    await expect.poll(() => of(status.resourceLimitExceeded)).toBe(16)
    await expect.poll(() => target.stops.length).toBe(4)
    expect(bench.service.circuitCount.circuits).toBe(4)
    for (const stream of target.stops) stream.send(stopAnswer(status.ok))
    await expect.poll(() => of(status.ok)).toBe(4)
    expect(bench.service.circuitCount.circuits).toBe(4)
    for (const stream of target.stops) stream.reset('enough')
    await expect.poll(() => bench.service.circuitCount.circuits).toBe(0)
  })

  it('have their place back when they are not made', async () => {
    await reserved()
    target.onStop = (stream) => stream.send(stopAnswer(status.connectionFailed))
    for (let i = 0; i < 5; i++) {
      const asked = source.connect(target.id)
      await expect.poll(() => asked.status).toBe(status.connectionFailed)
    }
    expect(bench.service.circuitCount.circuits).toBe(0)
  })

  it('carry what both sides send, and what came before they were made', async () => {
    await reserved()
    target.onStop = (stream) => stream.send(Buffer.concat([stopAnswer(status.ok), Buffer.from('quick')]))
    const asked = source.connect(target.id)
    await expect.poll(() => asked.text).toContain('quick')
    const sent = Buffer.alloc(100_000, 'circuit')
    asked.stream.send(sent)
    const far = target.stops[0]!
    far.send(sent)
    const arrived = far.handler as typeof asked
    await expect.poll(() => arrived.text.endsWith(sent.toString('latin1'))).toBe(true)
    await expect.poll(() => asked.text.endsWith(sent.toString('latin1'))).toBe(true)
    asked.stream.close()
    far.close()
    await expect.poll(open).toEqual([0, 0])
  })
})
