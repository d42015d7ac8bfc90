import * as fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { ConnectionIndex } from '../../src/admission/connection-index.ts'
import { type FakeConnection, fakeConnection } from '../support/connection.ts'

const graceMs = 100
let index: ConnectionIndex
beforeEach(() => {
  index = new ConnectionIndex(graceMs)
})

describe('ConnectionIndex', () => {
  it('counts connections and peers, and forgets a peer with its last connection', () => {
    const [first, second, other] = [fakeConnection('a'), fakeConnection('a'), fakeConnection('b')]
    for (const connection of [first, second, other]) index.open(connection, false, 0)
    expect([index.connections, index.connectedPeers, index.isConnected('a')]).toEqual([3, 2, true])
    index.close(first)
    expect([index.connections, index.isConnected('a')]).toEqual([2, true])
    index.close(second)
    index.close(second)
    index.close(other)
    expect([index.connections, index.connectedPeers, index.prefixes, index.isConnected('a')]).toEqual([0, 0, 0, false])
  })

  it('opens a connection once', () => {
    const connection = fakeConnection('a')
    expect(index.open(connection, false, 0)).toBe(index.open(connection, false, 1))
    expect(index.connections).toBe(1)
  })

  it('a connection is a candidate when its grace period is over, not before', () => {
    index.open(fakeConnection('a'), false, 0)
    index.mature(graceMs - 1)
    expect(index.candidates.size).toBe(0)
    index.mature(graceMs)
    expect(index.candidates.size).toBe(1)
  })

  it('agrees with a recount after anything that may happen', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const ip = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.1.1', '2001:db8::1', '2001:db8:0:1::2', '2001:db9::1')
    const act = fc.oneof(
      fc.record({ do: fc.constant('open' as const), name, ip }),
      fc.record({ do: fc.constantFrom('close' as const), pick: fc.nat(20) }),
      fc.record({ do: fc.constantFrom('active', 'providing', 'plain', 'protect', 'unprotect'), name }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.nat(150) })
    )
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        index = new ConnectionIndex(graceMs)
        let nowMs = 0
        let opened = 0
        const open: FakeConnection[] = []
        for (const step of acts) {
          if (step.do === 'open' && 'ip' in step) {
            const connection = fakeConnection(step.name, step.ip, {
              encryption: step.name < 'c' ? '/noise' : '/tls/1.0.0'
            })
            opened++
            open.push(connection)
            index.open(connection, false, nowMs)
          } else if ('pick' in step) {
            const [gone] = open.splice(step.pick % Math.max(1, open.length), 1)
            if (gone !== undefined) index.close(gone)
          } else if ('ms' in step) {
            nowMs += step.ms
            index.mature(nowMs)
          } else if ('name' in step) {
            if (step.do === 'active') index.active(step.name, nowMs)
            else if (step.do === 'protect') index.protect(step.name, 'reason')
            else if (step.do === 'unprotect') index.unprotect(step.name, 'reason')
            else index.providing(step.name, step.do === 'providing')
          }

          const entries = open.map((connection) => index.open(connection, false, nowMs))
          const free = entries.filter(({ young, peer }) => !young && peer.protectedBy.size === 0)
          expect(index.connections).toBe(open.length)
          const kinds = [...index.kinds.all]
          expect(kinds.reduce((sum, kind) => sum + kind.opened, 0)).toBe(opened)
          for (const { security, open: count } of kinds)
            expect(count).toBe(open.filter(({ encryption }) => encryption?.startsWith(`/${security}`)).length)
          expect(new Set([...index.candidates.withRecords, ...index.candidates.withoutRecords])).toEqual(new Set(free))
          expect([...index.candidates.withRecords].every(({ peer }) => peer.providing)).toBe(true)
          expect([...index.candidates.withoutRecords].some(({ peer }) => peer.providing)).toBe(false)
          const sizes = new Map<string, number>()
          for (const { prefix } of free) sizes.set(prefix.name, (sizes.get(prefix.name) ?? 0) + 1)
          expect(index.mostCrowded?.size ?? 0).toBe(Math.max(0, ...sizes.values()))
          expect(index.prefixes).toBe(new Set(entries.map(({ prefix }) => prefix.name)).size)
          expect(new Set(entries.map(({ prefix }) => prefix)).size).toBe(index.prefixes)
          const counts = Array.from(index.prefixCounts(), ({ name, connections }) => [name, connections])
          const namesOf = entries.map(({ prefix }) => prefix.name)
          expect(counts.length).toBe(index.prefixes)
          for (const [name, many] of counts) expect(many).toBe(namesOf.filter((other) => other === name).length)
        }
      })
    )
  })
})

it('knows the candidates of an address once somebody has asked, until half of its connections have gone', () => {
  const own = new ConnectionIndex(0)
  const entries = ['a', 'b', 'c', 'd'].map((name) => own.open(fakeConnection(name, '203.0.113.1'), name === 'b', 0))
  own.open(fakeConnection('neighbour', '203.0.113.2'), false, 0)
  own.mature(0)
  const first = entries[0]!
  expect(first.address?.candidates).toBeUndefined()
  expect([own.candidatesOf(first)?.size, own.candidatesOf(first)?.withRecords.size]).toEqual([4, 1])
  own.active('a', 1_000)
  expect([...(own.candidatesOf(first)?.withoutRecords ?? [])].map(({ peer }) => peer.key)).toEqual(['c', 'd', 'a'])
  const sizes = entries.slice(1).map(({ connection }) => {
    own.close(connection)
    return first.address?.candidates?.size
  })
  expect(sizes).toEqual([3, 2, undefined])
})
