import { beforeEach, describe, expect, it } from 'vitest'
import { Contacts } from '../../src/rendezvous/contacts.ts'
import { maxListed } from '../../src/rendezvous/listing.ts'
import { ProviderBook, type ProviderLimits, recordLifeMs } from '../../src/rendezvous/provider-book.ts'
import { decodePeer } from '../../src/rendezvous/wire.ts'
import { peersIn } from './peers-in.ts'

const bytes = (text: string) => new Uint8Array(Buffer.from(text))
const address = bytes('address')
const many = 1_000_000
const noEvictions = { perPeer: 0, perKey: 0, source: 0, records: 0, memory: 0 }
const unlimited: ProviderLimits = {
  maxRecords: many,
  maxPerKey: many,
  maxPerPeer: many,
  maxBytes: 1e9,
  maxBytesPerSource: 1e9
}

let contacts: Contacts
let providing: Set<string>
let book: ProviderBook
const open = (limits: Partial<ProviderLimits> = {}) => {
  contacts = new Contacts()
  providing = new Set()
  const onProviding = (peer: string, is: boolean) => {
    if (is) providing.add(peer)
    else providing.delete(peer)
  }
  book = new ProviderBook(contacts, onProviding, { ...unlimited, ...limits })
}
const provide = (peer: string, key: string, nowMs: number, prefix = 'net') =>
  book.add(bytes(peer), [address], bytes(key), prefix, nowMs)
const connect = (...peers: string[]) => {
  for (const peer of peers) contacts.connected(bytes(peer))
}
const providers = (key: string, nowMs: number) => book.providers(bytes(key), nowMs).map((contact) => contact.key)
const answered = (key: string, nowMs: number) =>
  peersIn(book.encodedProviders(bytes(key), nowMs)).map(({ id }) => Buffer.from(id).toString())
const addressesOf = (peer: string) =>
  decodePeer(new Uint8Array(Buffer.from(contacts.get(bytes(peer))?.encoded ?? '', 'latin1')))?.addrs ?? []
const numbered = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}${i}`)

beforeEach(() => open())

describe('the list of who provides a key', () => {
  it('has the newest first', () => {
    provide('a', 'k', 1)
    provide('b', 'k', 2)
    provide('c', 'other', 3)
    expect(providers('k', 4)).toEqual(['b', 'a'])
  })

  it('has the connected before those who left', () => {
    connect('a')
    provide('a', 'k', 1)
    provide('b', 'k', 2)
    expect(providers('k', 3)).toEqual(['a', 'b'])
  })

  it('does not take a second connection for coming back', () => {
    connect('a', 'b')
    provide('a', 'k', 1)
    provide('b', 'k', 2)
    connect('a')
    expect(providers('k', 3)).toEqual(['b', 'a'])
  })

  it('keeps a provider that left, with its addresses, until its record ends', () => {
    connect('a')
    provide('a', 'k', 0)
    contacts.disconnected(bytes('a'))
    expect(providers('k', recordLifeMs - 1)).toEqual(['a'])
    expect(addressesOf('a')).toEqual([address])
    expect(providers('k', recordLifeMs)).toEqual([])
    expect(book.evictions).toEqual(noEvictions)
    expect([contacts.size, book.keys, book.sources, book.bytes]).toEqual([0, 0, 0, 0])
  })

  it('counts a renewal as new', () => {
    provide('a', 'k', 0)
    provide('b', 'k', 100)
    provide('a', 'k', 900)
    expect(providers('k', 1_000)).toEqual(['a', 'b'])
    expect(providers('k', recordLifeMs + 500)).toEqual(['a'])
  })

  it('gives each source its turn, so that a thousand identities at one place push nobody out', () => {
    const [honest, crowd] = [numbered('honest', 5), numbered('crowd', 1_000)]
    connect(...honest, ...crowd)
    for (const [i, peer] of honest.entries()) provide(peer, 'k', i, `home${i}`)
    for (const [i, peer] of crowd.entries()) provide(peer, 'k', 10 + i, 'farm')
    const first = providers('k', 2_000).slice(0, 7)
    expect(first).toEqual(['crowd999', 'honest4', 'honest3', 'honest2', 'honest1', 'honest0', 'crowd998'])
  })

  it.each([100, 160])(
    'names in its first hundred, of %s honest providers and 2,000 of one network, hardly any of the latter',
    (count) => {
      const honest = numbered('honest', count)
      const sybils = numbered('sybil', 2_000)
      connect(...honest, ...sybils)
      const [early, late] = [honest.slice(0, count / 2), honest.slice(count / 2)]
      let nowMs = 0
      const add = (peer: string, prefix: string) => provide(peer, 'k', nowMs++, prefix)
      for (const peer of early) add(peer, `home of ${peer}`)
      for (const peer of sybils) add(peer, 'farm')
      for (const peer of late) add(peer, `home of ${peer}`)
      for (const peer of sybils) add(peer, 'farm')
      const first = new Set(providers('k', nowMs).slice(0, 100))
      const listed = (peers: string[]) => peers.filter((peer) => first.has(peer)).length
      expect(listed(sybils)).toBe(1)
      expect(listed(late)).toBe(late.length)
      expect(listed(early)).toBe(99 - late.length)
    }
  )

  it('names as many of one network as of another, however many of it provide and however often', () => {
    const [honest, sybils] = [numbered('honest', 100), numbered('sybil', 5_000)]
    connect(...honest, ...sybils)
    let nowMs = 0
    for (const peer of honest) provide(peer, 'k', nowMs++, 'gateway')
    for (const peer of sybils) provide(peer, 'k', nowMs++, 'farm')
    const first = providers('k', nowMs).slice(0, 100)
    expect(first.filter((peer) => peer.startsWith('honest'))).toHaveLength(50)
  })

  it('is bounded, and has the best of all', () => {
    for (const [i, peer] of numbered('p', 1_200).entries()) provide(peer, 'k', i)
    connect('p0')
    const listed = providers('k', 2_000)
    expect(listed).toHaveLength(maxListed)
    expect(listed.slice(0, 2)).toEqual(['p0', 'p1199'])
  })
})

describe('the answer that is kept', () => {
  it('is put together once', () => {
    provide('a', 'k', 1)
    const encoded = book.encodedProviders(bytes('k'), 2)
    expect(book.encodedProviders(bytes('k'), 3)).toBe(encoded)
    provide('a', 'other', 4)
    expect(book.encodedProviders(bytes('k'), 5)).toBe(encoded)
  })

  it('is new after anything that it says has changed', () => {
    provide('a', 'k', 0)
    expect(answered('k', 1)).toEqual(['a'])
    provide('b', 'k', 100)
    expect(answered('k', 101)).toEqual(['b', 'a'])
    connect('a')
    expect(answered('k', 102)).toEqual(['a', 'b'])
    contacts.identified(bytes('a'), [bytes('moved')])
    const [first] = peersIn(book.encodedProviders(bytes('k'), 103))
    expect(first).toMatchObject({ addrs: [bytes('moved')], connected: true })
    contacts.disconnected(bytes('a'))
    provide('b', 'k', 200)
    expect(answered('k', 201)).toEqual(['b', 'a'])
    expect(answered('k', recordLifeMs + 100)).toEqual(['b'])
  })
})

describe('at a bound', () => {
  it("of a peer its own oldest key makes room, and nobody else's", () => {
    open({ maxPerPeer: 3 })
    const keys = ['k1', 'k2', 'k3', 'k4']
    provide('b', 'k1', 0)
    for (const [at, key] of keys.entries()) provide('a', key, at)
    expect(keys.map((key) => providers(key, 10))).toEqual([['b'], ['a'], ['a'], ['a']])
    expect(book.evictions).toEqual({ ...noEvictions, perPeer: 1 })
  })

  it('of all who left longest ago makes room, and the connected last', () => {
    open({ maxRecords: 3 })
    connect('old')
    for (const [at, peer] of ['old', 'a', 'b', 'c'].entries()) provide(peer, 'k', at)
    expect(providers('k', 10)).toEqual(['old', 'c', 'b'])
    connect('b', 'c')
    provide('d', 'k', 11)
    expect(providers('k', 12)).toEqual(['c', 'b', 'old'])
    expect(providing).toEqual(new Set(['old', 'b', 'c']))
    expect(contacts.size).toBe(3)
    expect(book.evictions).toEqual({ ...noEvictions, records: 2 })
  })

  it('of all, one source with many identities, connected or not, does not push out the others', () => {
    open({ maxRecords: 200 })
    const [honest, farm] = [numbered('honest', 90), numbered('farm', 1_000)]
    for (const [i, peer] of honest.entries()) provide(peer, 'k', i, `home${i % 9}`)
    connect(...farm)
    for (const [i, peer] of farm.entries()) provide(peer, 'k', 100 + i, 'farm')
    expect(book.records).toBe(200)
    expect(providers('k', 2_000).filter((peer) => peer.startsWith('honest'))).toHaveLength(90)
  })

  it('of one source its own records make room, the away first, and those of others stay', () => {
    open({ maxBytesPerSource: 20_000 })
    connect('here')
    provide('here', 'mine', 0, 'farm')
    for (const [at, peer] of numbered('honest', 100).entries()) provide(peer, `k${at}`, at, `home${at % 10}`)
    for (const [at, peer] of numbered('farm', 100).entries()) provide(peer, peer, 100 + at, 'farm')
    expect(numbered('k', 100).flatMap((key) => providers(key, 300))).toEqual(numbered('honest', 100))
    expect([providers('mine', 300), providers('farm0', 300), providers('farm99', 300)]).toEqual([
      ['here'],
      [],
      ['farm99']
    ])
    expect(book.evictions).toEqual({ ...noEvictions, source: 201 - book.records })
    expect(book.records).toBeGreaterThan(110)
    expect(book.records).toBeLessThan(120)
  })

  it('of one source addresses count once a peer, and keys once however many provide them', () => {
    open({ maxBytesPerSource: 100_000 })
    for (const peer of numbered('p', 8)) for (const key of numbered('k', 24)) provide(peer, key, 0)
    expect(book.evictions).toEqual(noEvictions)
    expect(book.records).toBe(8 * 24)
  })

  it('of one source addresses that grow count, whichever of the records of their peer have made room', () => {
    open({ maxBytesPerSource: 60_000, maxPerPeer: 3 })
    connect('x')
    for (const key of numbered('k', 9)) provide('x', key, 0)
    const long = numbered('/address/', 16).map((text) => new Uint8Array(Buffer.from(text.padEnd(256, '.'))))
    contacts.identified(bytes('x'), long)
    expect(book.evictions).toEqual({ ...noEvictions, perPeer: 6 })
    for (const peer of numbered('y', 100)) {
      for (const key of ['a', 'b']) book.add(bytes(peer), long, bytes(key), 'net', 1)
      expect(book.bytes).toBeLessThan(60_000)
    }
    expect(book.evictions.source).toBeGreaterThan(170)
  })

  it('a gateway is no one source', () => {
    open({ maxBytesPerSource: 2_000, isGateway: (prefix) => prefix === '10.0.0.0/24' })
    for (const peer of numbered('p', 100)) provide(peer, 'k', 0, '10.0.0.0/24')
    expect(providers('k', 1)).toHaveLength(100)
  })

  it('of a key the oldest of the same source makes room', () => {
    open({ maxPerKey: 4 })
    for (const [at, peer] of ['a', 'b', 'x', 'y'].entries()) provide(peer, 'k', at, peer < 'c' ? 'home' : 'farm')
    provide('z', 'k', 10, 'farm')
    expect(providers('k', 11).sort()).toEqual(['a', 'b', 'y', 'z'])
    provide('z', 'other', 12, 'farm')
    expect(book.records).toBe(5)
    provide('n', 'k', 13, 'new')
    expect(providers('k', 14).sort()).toEqual(['b', 'n', 'y', 'z'])
    expect(book.evictions).toEqual({ ...noEvictions, perKey: 2 })
  })

  it('of the memory records make room until it is enough, also when a peer says longer addresses', () => {
    open({ maxBytes: 20_000 })
    for (const [at, peer] of numbered('p', 100).entries()) provide(peer, peer, at)
    expect(book.bytes).toBeLessThanOrEqual(20_000)
    expect(book.records).toBeGreaterThan(10)
    expect(book.evictions).toEqual({ ...noEvictions, memory: 100 - book.records })
    const before = book.records
    connect('p99')
    const long = numbered('/address/', 16).map((text) => new Uint8Array(Buffer.from(text.padEnd(256, '.'))))
    contacts.identified(bytes('p99'), long)
    expect(book.bytes).toBeGreaterThan(20_000)
    expect(providers('p99', 200)).toEqual(['p99'])
    expect(book.bytes).toBeLessThanOrEqual(20_000)
    expect(book.records).toBeLessThan(before)
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
    const said = () => addressesOf('a').map((addr) => Buffer.from(addr).toString())
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
    contacts.provided(bytes('a'), [new Uint8Array(257), ...many])
    expect(addressesOf('a')).toHaveLength(16)
    expect(contacts.get(bytes('a'))!.encoded!.length).toBeLessThan(16 * 260)
  })

  it('makes nobody a provider who cannot be reached, and takes no address back for one that is too long', () => {
    expect(contacts.provided(bytes('a'), [new Uint8Array(257)])).toBeUndefined()
    expect(contacts.size).toBe(0)
    provide('a', 'k', 0)
    contacts.connected(bytes('a'))
    contacts.identified(bytes('a'), [new Uint8Array(257)])
    expect(addressesOf('a')).toEqual([address])
  })
})
