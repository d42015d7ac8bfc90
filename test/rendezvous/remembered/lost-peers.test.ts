import { multiaddr } from '@multiformats/multiaddr'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { encodePeer } from '../../../src/rendezvous/encode.ts'
import { cutWithinMs, isCut, LostPeers, leastLost } from '../../../src/rendezvous/remembered/lost-peers.ts'

const remote = multiaddr('/ip4/192.0.2.1/tcp/9000')
const contact = (key: string) => ({
  key,
  encoded: encodePeer(new Uint8Array(Buffer.from(key)), [multiaddr('/ip4/192.0.2.1/tcp/4001').bytes])
})
let lost: LostPeers
const add = (count: number, connected: number, nowMs = 0, name = 'p') => {
  for (let i = 0; i < count; i++) lost.add(contact(`${name}${i}`), remote, connected, nowMs)
}
const newest = (count = 100, from = 0) => lost.newest(count, from, 7, () => false).map(({ key }) => key)

beforeEach(() => {
  lost = new LostPeers(20)
})

describe('a cut', () => {
  it('is a quarter of all that go silent at once, and not of a handful', () => {
    expect([isCut(leastLost - 1, 0), isCut(leastLost, 0)]).toEqual([false, true])
    expect([isCut(250, 750), isCut(249, 751)]).toEqual([true, false])
  })

  it('is not what went silent one after the other', () => {
    for (let i = 0; i < 100; i++) lost.add(contact(`p${i}`), remote, 20, (i * cutWithinMs) / (leastLost - 2))
    expect(lost.wasCut).toBe(false)
    expect(lost.size).toBeLessThan(leastLost)
  })

  it('is what went silent within the beat of a connection', () => {
    for (let i = 0; i < leastLost; i++) lost.add(contact(`p${i}`), remote, 20, (i * (cutWithinMs - 1)) / leastLost)
    expect(lost.wasCut).toBe(true)
  })
})

describe('who was lost', () => {
  it('is remembered from a cut on, until it is taken out', () => {
    add(8, 8)
    add(1, 0, 10 * cutWithinMs, 'late')
    expect(newest()).toEqual(['late0', 'p7', 'p6', 'p5', 'p4', 'p3', 'p2', 'p1', 'p0'])
    lost.delete('p3')
    expect([lost.size, lost.remoteOf('p3'), lost.remoteOf('p4')]).toEqual([8, undefined, remote.bytes])
    lost.forget()
    expect([lost.size, lost.wasCut]).toEqual([0, false])
  })

  it('is counted and remembered once', () => {
    for (let i = 0; i < 50; i++) add(leastLost - 1, 0)
    expect([lost.size, lost.wasCut]).toEqual([leastLost - 1, false])
  })

  it('is bounded: the longest lost is forgotten', () => {
    add(50, 0)
    expect(newest()[0]).toBe('p49')
    expect(newest().at(-1)).toBe('p30')
    expect(lost.size).toBe(20)
  })

  it('is told with where it listens and came from', () => {
    add(8, 0)
    lost.add({ key: 'nowhere', encoded: undefined }, remote, 0, 0)
    const [peer] = lost.newest(1, 0, 7, (key) => key === 'p7')
    expect(peer).toEqual({
      key: 'p7',
      addrs: [multiaddr('/ip4/192.0.2.1/tcp/4001').bytes],
      remote: remote.bytes,
      seenAtMs: 7,
      dialFailed: true
    })
  })

  it('is gone through part by part, and then anew', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 30 }), (size, part) => {
        lost = new LostPeers(20)
        add(size, 0)
        const seen = new Set<string>()
        for (let from = 0; from < size; from += part) {
          const some = newest(part, from)
          expect(new Set(some).size).toBe(Math.min(part, size))
          for (const key of some) seen.add(key)
        }
        expect(seen.size).toBe(size)
      })
    )
  })
})
