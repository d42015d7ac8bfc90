import { multiaddr } from '@multiformats/multiaddr'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { ConnectionIndex } from '../../src/admission/connection-index.ts'
import { isGateway, normalCrowd, silentAfterMs, trimNow, worst } from '../../src/admission/policy.ts'
import { remotePrefixOf } from '../../src/peers/address-prefix.ts'
import { fakeConnection } from '../support/connection.ts'

let index: ConnectionIndex
const name = (nowMs: number) => worst(index, nowMs)?.connection.remotePeer.toString()
const join = (peer: string, atMs: number, ip?: string, providing = false) =>
  index.open(fakeConnection(peer, ip), providing, atMs)

beforeEach(() => {
  index = new ConnectionIndex(0)
})

describe('worst', () => {
  it('is nobody when all are young or protected', () => {
    index = new ConnectionIndex(1000)
    join('safe', 0)
    join('young', 500)
    index.protect('safe', 'federated')
    index.mature(1000)
    expect(name(1000)).toBeUndefined()
    index.unprotect('safe', 'federated')
    expect(name(1000)).toBe('safe')
  })

  it('is the longest idle of equals', () => {
    for (const [at, peer] of ['a', 'b', 'c'].entries()) join(peer, at)
    index.mature(10)
    index.active('a', 1_011)
    expect(name(1_012)).toBe('b')
  })

  it('is the first who became active within a second', () => {
    for (const [at, peer] of ['a', 'b', 'c'].entries()) join(peer, at)
    index.mature(10)
    for (const [at, peer] of [
      [2_000, 'a'],
      [2_001, 'b'],
      [2_002, 'c'],
      [2_999, 'a']
    ] as const)
      index.active(peer, at)
    expect(name(3_000)).toBe('a')
    index.active('a', 3_000)
    expect(name(3_000)).toBe('b')
  })

  it('has no provider records before it has some', () => {
    join('provider', 0, undefined, true)
    join('plain', 5)
    index.mature(10)
    expect(name(10)).toBe('plain')
  })

  it('is silent before it is active, records or not', () => {
    join('provider', 0, undefined, true)
    join('plain', 0)
    index.mature(0)
    index.active('plain', silentAfterMs - 1)
    expect(name(silentAfterMs)).toBe('provider')
  })

  it('is in the most crowded prefix, however active it is there', () => {
    for (let i = 0; i <= normalCrowd; i++) join(`crowd-${i}`, 0, `198.51.100.${i}`, true)
    join('alone', 0, '203.0.113.1')
    for (let i = 0; i < 5; i++) join(`other-${i}`, 0, `203.0.${i}.1`)
    index.mature(0)
    for (let i = 0; i <= normalCrowd; i++) index.active(`crowd-${i}`, 1)
    expect(name(2)).toBe('crowd-0')
  })

  it('is not in a prefix that is no crowd', () => {
    for (let i = 0; i < normalCrowd; i++) join(`few-${i}`, 5, `198.51.100.${i}`)
    join('old', 0, '203.0.113.1')
    join('old-too', 1, '203.0.114.1')
    index.mature(10)
    index.active('few-0', 1_010)
    expect(name(1_010)).not.toBe('few-0')
  })

  it.each(['172.17.0.1', '10.1.2.3', '192.168.1.1', '127.0.0.1', '100.64.0.1', 'fd00::1', 'fe80::1', '::1'])(
    'does not take the peers behind the gateway %s for a crowd',
    (gateway) => {
      join('direct', 0, '203.0.113.1')
      for (let i = 0; i <= normalCrowd; i++) join(`behind-${i}`, 1, gateway)
      index.mature(10)
      expect(name(10)).toBe('direct')
    }
  )

  it('takes a public prefix for a gateway only when it is exempt and nearly all come through it', () => {
    index = new ConnectionIndex(0, (ip) => ip === '198.51.100.7')
    for (let i = 0; i < 95; i++) join(`behind-${i}`, 1, '198.51.100.7')
    for (let i = 0; i < 5; i++) join(`direct-${i}`, 0, `203.0.${i}.1`)
    index.mature(10)
    expect(isGateway(index.mostCrowded!, index)).toBe(true)
    for (let i = 5; i < 20; i++) join(`direct-${i}`, 0, `203.0.${i}.1`)
    index.mature(10)
    expect(isGateway(index.mostCrowded!, index)).toBe(false)
  })

  it('is in a public prefix that nearly all come from, when that is not exempt', () => {
    for (let i = 0; i < 95; i++) join(`crowd-${i}`, 1, '198.51.100.7', true)
    for (let i = 0; i < 5; i++) join(`other-${i}`, 0, `203.0.${i}.1`)
    index.mature(10)
    expect(name(10)).toBe('crowd-0')
  })
})

describe('trimNow', () => {
  const marks = { lowWater: 100, highWater: 200 }

  it('starts above high water and goes on to low water', () => {
    expect(trimNow(200, marks, false)).toEqual({ close: 0, trimming: false })
    expect(trimNow(201, marks, false)).toEqual({ close: 4, trimming: true })
    expect(trimNow(150, marks, true)).toEqual({ close: 4, trimming: true })
    expect(trimNow(102, marks, true)).toEqual({ close: 2, trimming: true })
    expect(trimNow(100, marks, true)).toEqual({ close: 0, trimming: false })
  })

  it('is over in 30 s and never goes below low water', () => {
    const anyMarks = fc
      .nat(50_000)
      .chain((low) => fc.nat(50_000).map((above) => ({ lowWater: low, highWater: low + above + 1 })))
    fc.assert(
      fc.property(anyMarks, (given) => {
        let connections = given.highWater + 100
        let trimming = false
        for (let second = 0; second < 60 && connections > given.lowWater; second++) {
          const step = trimNow(connections, given, trimming)
          connections -= step.close
          trimming = step.trimming
          expect(step.close).toBeLessThanOrEqual(Math.ceil((given.highWater - given.lowWater) / 30) + 20)
        }
        expect(connections).toBe(given.lowWater)
      })
    )
  })
})

describe('remotePrefixOf', () => {
  it.each([
    ['/ip4/198.51.100.7/tcp/1', '198.51.100.0/24'],
    ['/ip6/2001:db8:1:2::3/tcp/1', '2001:db8:1::/48'],
    ['/ip6/2001:0db8:0001::/tcp/1', '2001:db8:1::/48'],
    ['/ip6/::1/tcp/1', '0:0:0::/48'],
    ['/ip6/1:2:3:4:5:6:7:8/tcp/1', '1:2:3::/48'],
    ['/ip6/::ffff:198.51.100.7/tcp/1', '198.51.100.0/24'],
    ['/dns4/example.org/tcp/1', 'relayed']
  ])('%s counts for %s', (address, prefix) => {
    expect(remotePrefixOf({ remoteAddr: multiaddr(address) })).toBe(prefix)
  })
})
