import * as fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { Contacts } from '../../src/rendezvous/contacts.ts'
import { ProviderBook, type ProviderBookLimits } from '../../src/rendezvous/provider-book.ts'
import { decodePeer } from '../../src/rendezvous/wire.ts'

const bytes = (text: string) => new Uint8Array(Buffer.from(text))
const address = bytes('address')
const limits: ProviderBookLimits = { maxRecords: 6, maxKeysPerPeer: 3, recordLifeMs: 1000 }

let contacts: Contacts
let providing: Set<string>
const onProviding = (peer: string, is: boolean) => {
  if (is) providing.add(peer)
  else providing.delete(peer)
}
let book: ProviderBook
const provide = (peer: string, key: string, nowMs: number) => book.add(bytes(peer), [address], bytes(key), nowMs)
const providers = (key: string, nowMs: number) =>
  book.providers(bytes(key), nowMs).map(({ id }) => Buffer.from(id).toString())

beforeEach(() => {
  contacts = new Contacts()
  providing = new Set()
  book = new ProviderBook(contacts, onProviding, limits)
})

describe('ProviderBook', () => {
  it('lists who provides a key, newest first', () => {
    provide('a', 'k', 1)
    provide('b', 'k', 2)
    provide('c', 'other', 3)
    expect(providers('k', 4)).toEqual(['b', 'a'])
  })

  it('lists the connected before those who left', () => {
    contacts.connected(bytes('a'))
    provide('a', 'k', 1)
    provide('b', 'k', 2)
    expect(providers('k', 3)).toEqual(['a', 'b'])
  })

  it('keeps a provider that left, with its addresses, until its record ends', () => {
    contacts.connected(bytes('a'))
    provide('a', 'k', 0)
    contacts.disconnected(bytes('a'))
    expect(providers('k', 999)).toEqual(['a'])
    expect(contacts.get(bytes('a'))?.encoded).toBeDefined()
    expect(providers('k', 1000)).toEqual([])
    expect(contacts.size).toBe(0)
  })

  it('lists a bounded number, the best of all', () => {
    book = new ProviderBook(contacts, onProviding, { ...limits, maxRecords: 5000 })
    for (let i = 0; i < 1200; i++) provide(`p${i}`, 'k', i / 10)
    contacts.connected(bytes('p0'))
    const listed = providers('k', 200)
    expect(listed).toHaveLength(1000)
    expect(listed.slice(0, 2)).toEqual(['p0', 'p1199'])
  })

  it('a renewal makes a record young again', () => {
    provide('a', 'k', 0)
    provide('b', 'k', 100)
    provide('a', 'k', 900)
    expect(providers('k', 1500)).toEqual(['a'])
  })

  it("at a peer's bound its own oldest key makes room, and nobody else's", () => {
    for (const [at, key] of ['k1', 'k2', 'k3', 'k4'].entries()) provide('a', key, at)
    expect(['k1', 'k2', 'k3', 'k4'].map((key) => providers(key, 10).length)).toEqual([0, 1, 1, 1])
  })

  it('at the bound of all the oldest record makes room', () => {
    for (const [at, peer] of ['a', 'b', 'c', 'd', 'e', 'f', 'g'].entries()) provide(peer, 'k', at)
    expect(providers('k', 10)).toEqual(['g', 'f', 'e', 'd', 'c', 'b'])
    expect(contacts.size).toBe(6)
  })

  it('never holds more than its bounds, and agrees with a list that is sorted and cut', () => {
    const act = fc.record({
      peer: fc.constantFrom('a', 'b', 'c', 'd'),
      key: fc.constantFrom('k', 'l', 'm', 'n'),
      wait: fc.nat(400)
    })
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
        contacts = new Contacts()
        providing = new Set()
        book = new ProviderBook(contacts, onProviding, limits)
        let nowMs = 0
        let model: Array<{ peer: string; key: string; atMs: number }> = []
        for (const { peer, key, wait } of acts) {
          nowMs += wait
          provide(peer, key, nowMs)
          model = model.filter(({ atMs }) => nowMs - atMs < limits.recordLifeMs)
          const known = model.some((record) => record.peer === peer && record.key === key)
          model = model.filter((record) => record.peer !== peer || record.key !== key)
          if (!known) {
            const own = model.filter((record) => record.peer === peer)
            if (own.length >= limits.maxKeysPerPeer) model = model.filter((record) => record !== own[0])
            if (model.length >= limits.maxRecords) model = model.slice(1)
          }
          model.push({ peer, key, atMs: nowMs })

          expect(book.records).toBe(model.length)
          for (const wanted of ['k', 'l', 'm', 'n']) {
            const expected = model.filter((record) => record.key === wanted).map((record) => record.peer)
            expect(providers(wanted, nowMs)).toEqual(expected.reverse())
          }
          expect(contacts.size).toBe(new Set(model.map((record) => record.peer)).size)
          expect([...providing].sort()).toEqual([...new Set(model.map((record) => record.peer))].sort())
          expect(book.keys).toBe(new Set(model.map((record) => record.key)).size)
        }
      })
    )
  })
})

describe('Contacts', () => {
  it('forgets who is neither connected nor a provider', () => {
    contacts.connected(bytes('a'))
    contacts.connected(bytes('a'))
    contacts.disconnected(bytes('a'))
    expect(contacts.size).toBe(1)
    contacts.disconnected(bytes('a'))
    expect(contacts.size).toBe(0)
  })

  it('names a peer with the addresses that it said last, by identify or with a provider record', () => {
    const said = () => decodePeer(contacts.get(bytes('a'))!.encoded!)?.addrs.map((addr) => Buffer.from(addr).toString())
    contacts.connected(bytes('a'))
    contacts.identified(bytes('a'), [bytes('old')])
    contacts.provided(bytes('a'), [bytes('provided')])
    expect(said()).toEqual(['provided'])
    contacts.identified(bytes('a'), [bytes('moved'), bytes('relayed')])
    expect(said()).toEqual(['moved', 'relayed'])
  })

  it('a peer that says nothing does not lose the addresses of its provider record', () => {
    contacts.connected(bytes('a'))
    provide('a', 'k', 0)
    contacts.identified(bytes('a'), [])
    expect(contacts.get(bytes('a'))?.encoded).toBeDefined()
  })

  it('keeps a bounded number of addresses of a bounded size', () => {
    const many = Array.from({ length: 1000 }, (_, i) => bytes(`/address/${i}`))
    const { encoded } = contacts.provided(bytes('a'), [new Uint8Array(257), ...many])
    expect(decodePeer(encoded!)?.addrs).toHaveLength(16)
    expect(encoded!.length).toBeLessThan(16 * 260)
  })

  it('does not keep the message alive that an address came in', () => {
    const message = new Uint8Array(100_000)
    contacts.provided(bytes('a'), [message.subarray(10, 20)])
    const { encoded } = contacts.get(bytes('a'))!
    expect(encoded!.buffer.byteLength).toBe(encoded!.length)
  })
})
