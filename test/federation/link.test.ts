import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  firstRetryMs,
  Link,
  type LinkState,
  longestRetryMs,
  retryDelayMs,
  stableAfterMs,
  wrongPeerRetryMs
} from '../../src/federation/link.ts'
import type { Member } from '../../src/federation/members.ts'
import { SimulatedClock } from '../support/clock.ts'

const refused = new Error('connect ECONNREFUSED 127.0.0.1:1')
const unexpected = new Error('Unexpected Peer')

/** A link whose dials the test answers; delays are the shortest. */
function setUp() {
  const clock = new SimulatedClock()
  const told: LinkState[] = []
  const dials: Array<{ resolve: () => void; reject: (cause: unknown) => void }> = []
  const link = new Link({ addresses: [] } as unknown as Member, {
    clock,
    random: () => 0,
    dial: () => new Promise<void>((resolve, reject) => void dials.push({ resolve, reject })),
    onState: (_member, state) => void told.push(state)
  })
  const fail = async (cause: unknown = refused) => {
    dials.at(-1)?.reject(cause)
    await turn()
  }
  return { clock, told, dials, link, fail, names: () => told.map(({ name }) => name) }
}

describe('a link to a member', () => {
  it('dials until it is connected, ever more slowly, and says once that it cannot', async () => {
    const { clock, dials, link, fail, told } = setUp()
    link.start()
    const waited: number[] = []
    for (let i = 0; i < 9; i++) {
      await fail()
      const before = clock.now()
      for (const known = dials.length; dials.length === known && clock.now() - before < 2 * longestRetryMs; )
        clock.advance(100)
      waited.push(clock.now() - before)
    }
    expect(waited).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
    expect(told).toEqual([{ name: 'unreachable', reason: refused.message }])
    link.opened()
    expect(told.at(-1)).toEqual({ name: 'connected' })
  })

  it('takes the connection that the member has opened, and dials no more', async () => {
    const { clock, dials, link, fail, names } = setUp()
    link.start()
    await fail()
    link.opened()
    link.opened()
    expect(clock.pending).toBe(0)
    clock.advance(longestRetryMs)
    expect([dials.length, names()]).toEqual([1, ['unreachable', 'connected']])
  })

  it('dials within a second when a stable connection is lost, whatever was before', async () => {
    const { clock, dials, link, fail, names } = setUp()
    link.start()
    for (let i = 0; i < 8; i++) {
      await fail()
      clock.advance(longestRetryMs)
    }
    const known = dials.length
    link.opened()
    dials.at(-1)?.resolve()
    await turn()
    clock.advance(stableAfterMs)
    link.closed()
    clock.advance(firstRetryMs)
    expect(dials).toHaveLength(known + 1)
    expect(names()).toEqual(['unreachable', 'connected', 'lost'])
  })

  it('slows down when the member closes what it accepts', async () => {
    const { clock, dials, link } = setUp()
    link.start()
    for (let i = 0; i < 8; i++) {
      link.opened()
      dials.at(-1)?.resolve()
      await turn()
      link.closed()
      clock.advance(longestRetryMs / 2)
    }
    const known = dials.length
    link.opened()
    dials.at(-1)?.resolve()
    await turn()
    link.closed()
    clock.advance(longestRetryMs / 2 - 1)
    expect(dials).toHaveLength(known)
    clock.advance(1)
    expect(dials).toHaveLength(known + 1)
  })

  it('has one dial at a time, though a connection comes and goes during it', async () => {
    const { clock, dials, link, fail } = setUp()
    link.start()
    link.opened()
    link.closed()
    clock.advance(longestRetryMs)
    expect(dials).toHaveLength(1)
    await fail()
    clock.advance(longestRetryMs)
    expect(dials).toHaveLength(2)
  })

  it('waits long when another peer answers, at one of several addresses too', async () => {
    for (const cause of [unexpected, new AggregateError([refused, unexpected])]) {
      const { clock, dials, link, fail, names } = setUp()
      link.start()
      await fail(cause)
      clock.advance(wrongPeerRetryMs / 2 - 1)
      expect(dials).toHaveLength(1)
      clock.advance(1)
      expect(dials).toHaveLength(2)
      await fail(cause)
      expect(names()).toEqual(['another-peer'])
    }
  })

  it('tells the reasons of all addresses', async () => {
    const { link, fail, told } = setUp()
    link.start()
    await fail(new AggregateError([refused, new Error('timed out')]))
    expect(told).toEqual([{ name: 'unreachable', reason: `${refused.message}; timed out` }])
  })

  it('leaves no timer and says nothing once it is stopped', async () => {
    const { clock, link, fail, told } = setUp()
    link.start()
    await fail()
    const before = told.length
    link.stop()
    link.opened()
    link.closed()
    expect([clock.pending, told.length]).toEqual([0, before])

    const dialing = setUp()
    dialing.link.start()
    dialing.link.stop()
    await dialing.fail()
    expect([dialing.clock.pending, dialing.told]).toEqual([0, []])
  })
})

describe('the delay before a dial', () => {
  it('is within half of the doubled, and at most the longest', () => {
    fc.assert(
      fc.property(fc.nat(2000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (failures, random) => {
        const delayMs = retryDelayMs(failures, random)
        const most = Math.min(longestRetryMs, firstRetryMs * 2 ** failures)
        expect(delayMs).toBeGreaterThanOrEqual(most / 2)
        expect(delayMs).toBeLessThanOrEqual(most)
      })
    )
  })
})
