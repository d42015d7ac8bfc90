import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  FairLine,
  type FairLineOptions,
  lastFirstAfterMs,
  lostAfterMs
} from '../../../src/connection/lean/fair-line.ts'
import { networksOf, type Origin } from '../../../src/peers/address-prefix.ts'

const from = (ip: string): Origin => ({ ...networksOf(ip), exempt: false })

let lost: string[]
let line: FairLine<string>
const build = (options: Partial<FairLineOptions<string>> = {}) => {
  lost = []
  line = new FairLine({ onLost: (item) => void lost.push(item), ...options })
}
const add = (ip: string, count: number, nowMs = 0) => {
  for (let i = 0; i < count; i++) line.add(`${ip} ${i}`, from(ip), nowMs)
}
const take = (count: number, nowMs = 0) => Array.from({ length: count }, () => line.take(nowMs))
const nobody = () => ({ size: line.size, addresses: line.addresses, networks: line.networks, next: line.hasNext })
const empty = { size: 0, addresses: 0, networks: 0, next: false }

beforeEach(() => build())

describe('a line', () => {
  it('lets networks go by turns, and the addresses of a network by its turns', () => {
    add('203.0.113.1', 3)
    add('203.0.113.2', 1)
    add('198.51.100.1', 2)
    expect(take(7)).toEqual([
      '203.0.113.1 0',
      '198.51.100.1 0',
      '203.0.113.2 0',
      '198.51.100.1 1',
      '203.0.113.1 1',
      '203.0.113.1 2',
      undefined
    ])
    expect(nobody()).toEqual(empty)
  })

  it('lets a newcomer from elsewhere go next but one, however many others wait', () => {
    for (let i = 0; i < 4_000; i++) add(`203.0.113.${i % 250}`, 1)
    add('198.51.100.1', 1)
    expect(take(2)).toContain('198.51.100.1 0')
  })

  it('keeps everybody once, whatever comes and goes', () => {
    const ips = fc.constantFrom('203.0.113.1', '203.0.113.2', '198.51.100.1', '2001:db8::1')
    const step = fc.oneof(
      fc.record({ ip: ips, count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ take: fc.integer({ min: 1, max: 8 }), waitMs: fc.integer({ min: 0, max: 6_000 }) }),
      fc.record({ mayGo: fc.boolean() })
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        let mayGo = true
        build({
          mayGo: ({ network }) => mayGo || network === '198.51.100.0/24',
          most: { ofAddress: 4, ofNetwork: 6, ofAll: 12 }
        })
        const waiting = new Set<string>()
        let next = 0
        let nowMs = 0
        const gone = (item: string) => expect(waiting.delete(item), item).toBe(true)
        for (const act of steps) {
          if ('mayGo' in act) mayGo = act.mayGo
          else if ('ip' in act) {
            for (let i = 0; i < act.count; i++, next++) {
              if (line.add(`${next}`, from(act.ip), nowMs)) waiting.add(`${next}`)
            }
          } else {
            nowMs += act.waitMs
            for (const item of take(act.take, nowMs)) if (item !== undefined) gone(item)
            line.askAgain()
          }
          for (const item of lost.splice(0)) gone(item)
          expect(line.size).toBe(waiting.size)
          expect(line.size).toBeLessThanOrEqual(12 + 6)
        }
        mayGo = true
        for (const item of take(40, nowMs)) if (item !== undefined) gone(item)
        for (const item of lost.splice(0)) gone(item)
        expect([waiting.size, nobody()]).toEqual([0, empty])
      })
    )
  })
})

describe('who waits for long', () => {
  it('goes behind those who came last, who have not given up', () => {
    add('203.0.113.1', 2, 0)
    add('203.0.113.1', 1, 3_000)
    expect(take(1, lastFirstAfterMs - 1)).toEqual(['203.0.113.1 0'])
    line.add('last', from('203.0.113.1'), lastFirstAfterMs)
    expect(take(3, lastFirstAfterMs)).toEqual(['last', '203.0.113.1 0', '203.0.113.1 1'])
  })

  it('is lost when every client has given up', () => {
    add('203.0.113.1', 2, 0)
    add('203.0.113.1', 1, 1)
    expect(take(2, lostAfterMs)).toEqual(['203.0.113.1 0', undefined])
    expect(lost).toEqual(['203.0.113.1 0', '203.0.113.1 1'])
    expect(nobody()).toEqual(empty)
  })
})

describe('the bounds', () => {
  const added = (ip: string, count: number) =>
    Array.from({ length: count }, () => line.add(ip, from(ip), 0)).filter(Boolean).length

  beforeEach(() => build({ most: { ofAddress: 4, ofNetwork: 6, ofAll: 12 } }))

  it('of an address and of a network turn others from there away', () => {
    expect([added('203.0.113.1', 9), added('203.0.113.2', 9), added('198.51.100.1', 9)]).toEqual([4, 2, 4])
    take(10)
    expect(added('203.0.113.1', 9)).toBe(4)
  })

  it('of all leaves a share to networks that have none', () => {
    expect([
      added('203.0.113.1', 4),
      added('203.0.113.2', 2),
      added('198.51.100.1', 4),
      added('198.51.100.2', 2)
    ]).toEqual([4, 2, 4, 2])
    const newcomers = Array.from({ length: 50 }, (_, i) => added(`192.0.${i}.1`, 9))
    expect([newcomers.slice(0, 3), line.size]).toEqual([[2, 2, 2], 18])
    expect([added('203.0.113.3', 1), added('198.51.100.3', 1)]).toEqual([0, 0])
  })
})

describe('who may not go yet', () => {
  it('is not asked while nobody may go, however many places they come from', () => {
    let isClosed = true
    let asked = 0
    build({
      isClosed: () => isClosed,
      mayGo: () => {
        asked++
        return true
      }
    })
    for (let i = 0; i < 1_000; i++) add(`10.${i >> 8}.${i & 255}.1`, 1)
    expect([take(3), asked, line.hasNext, line.hasAside]).toEqual([[undefined, undefined, undefined], 0, true, false])
    isClosed = false
    expect([take(2), asked]).toEqual([['10.0.0.1 0', '10.0.1.1 0'], 2])
  })

  it('is passed over until asked again', () => {
    let open = false
    build({ mayGo: ({ address }) => open || address !== '203.0.113.1' })
    add('203.0.113.1', 2)
    add('203.0.113.2', 2)
    add('198.51.100.1', 1)
    expect(take(4)).toEqual(['198.51.100.1 0', '203.0.113.2 0', '203.0.113.2 1', undefined])
    expect([line.hasNext, line.hasAside, line.size]).toEqual([false, true, 2])
    open = true
    expect(take(1)).toEqual([undefined])
    line.askAgain()
    expect(take(3)).toEqual(['203.0.113.1 0', '203.0.113.1 1', undefined])
    expect(nobody()).toEqual(empty)
  })
})
