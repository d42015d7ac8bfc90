import { setImmediate as nextTurn } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { beforeEach, describe, expect, it } from 'vitest'
import { Contacts } from '../../../src/rendezvous/contacts.ts'
import {
  ProviderBook,
  type ProviderLimits,
  recordLifeMs,
  writtenWithinMs
} from '../../../src/rendezvous/provider-book.ts'
import { Memory } from '../../../src/rendezvous/remembered/memory.ts'
import { type Restored, restore } from '../../../src/rendezvous/remembered/restore.ts'
import { MemoryStore } from '../../support/store.ts'
import { peersIn } from '../peers-in.ts'

const bytes = (text: string) => new Uint8Array(Buffer.from(text))
const addressOf = (ip: string) => multiaddr(`/ip4/${ip}/tcp/4001`).bytes
const home = addressOf('192.0.2.1')
const roomy = { maxBytes: 1e9, maxBytesPerSource: 1e9 }
const limits: ProviderLimits = { maxRecords: 1_000, maxPerKey: 100, maxPerPeer: 100, ...roomy }
const hourMs = 3_600_000

let store: MemoryStore
let nowMs: number
/** How far the machine's clock is ahead of the process's. */
let shiftMs: number
let process: { contacts: Contacts; book: ProviderBook; memory: Memory }

/** A process with what the store has, or nothing: the one before ends as after `kill -9`. */
async function begin(changes: Partial<ProviderLimits> = {}, signal = new AbortController().signal): Promise<Restored> {
  const contacts = new Contacts()
  const book = new ProviderBook(contacts, () => {}, { ...limits, ...changes })
  const restored = await restore(store, { contacts, book, changes: store }, 100, nowMs, signal)
  const memory = new Memory(
    store,
    contacts,
    () => nowMs,
    () => shiftMs
  )
  memory.start(book)
  process = { contacts, book, memory }
  return restored
}

const connect = (peer: string, addr = home) => {
  process.contacts.connected(bytes(peer))
  process.contacts.identified(bytes(peer), [addr], { remoteAddr: multiaddr('/ip4/192.0.2.9/tcp/7') })
}
const leave = (peer: string) => process.contacts.disconnected(bytes(peer))
const provide = (peer: string, key: string, prefix = 'net', addr = home) =>
  process.book.add(bytes(peer), [addr], bytes(key), prefix, nowMs)
const providers = (key: string) => process.book.providers(bytes(key), nowMs).map((contact) => contact.key)
const peersAndRecords = () => [...store.kept.keys()].sort()

beforeEach(async () => {
  store = new MemoryStore()
  nowMs = Date.UTC(2026, 0, 1)
  shiftMs = 0
  await begin()
})

describe('provider records', () => {
  it('are there again, the newest first, with addresses, and end when they would have', async () => {
    for (const peer of ['b', 'a', 'c']) {
      nowMs += hourMs
      provide(peer, 'k')
    }
    store.settle()
    expect(await begin()).toMatchObject({ records: 3, expired: 0, unreadable: 0 })
    expect(providers('k')).toEqual(['c', 'a', 'b'])
    expect(peersIn(process.book.encodedProviders(bytes('k'), nowMs))[0]).toMatchObject({
      id: bytes('c'),
      addrs: [home],
      connected: false
    })
    nowMs += recordLifeMs - hourMs
    expect(providers('k')).toEqual(['c'])
  })

  it('are away until their peers come, and then go on as if nothing had happened', async () => {
    connect('a')
    provide('a', 'k')
    provide('b', 'k')
    store.settle()
    await begin()
    expect(process.contacts.ofKey('a')?.connections).toBe(0)
    connect('a')
    expect(providers('k')).toEqual(['a', 'b'])
  })

  it('whose life has ended meanwhile are not, and leave the store with their peers', async () => {
    provide('a', 'k')
    nowMs += hourMs
    provide('b', 'k')
    store.settle()
    nowMs += recordLifeMs - 1
    expect(await begin()).toMatchObject({ records: 1, expired: 1 })
    store.settle()
    expect(peersAndRecords()).toEqual(['pb', 'r\u0001bk'])
  })

  it('leave the store when they end, are evicted, or their peers are forgotten', async () => {
    provide('a', 'k')
    store.settle()
    expect(peersAndRecords()).toEqual(['pa', 'r\u0001ak'])
    nowMs += recordLifeMs
    process.book.expire(nowMs)
    store.settle()
    expect(store.kept.size).toBe(0)
    await begin({ maxRecords: 1 })
    provide('a', 'k')
    provide('b', 'k')
    store.settle()
    expect(peersAndRecords()).toEqual(['pb', 'r\u0001bk'])
  })

  it('that do not fit into lower bounds leave the store', async () => {
    for (const peer of ['a', 'b', 'c']) provide(peer, 'k')
    store.settle()
    expect(await begin({ maxRecords: 2 })).toMatchObject({ records: 2 })
    store.settle()
    expect(store.kept.size).toBe(4)
  })

  it('have the addresses that their peer said last', async () => {
    connect('a')
    provide('a', 'k')
    store.settle()
    const moved = addressOf('192.0.2.2')
    process.contacts.identified(bytes('a'), [moved])
    store.settle()
    await begin()
    expect(peersIn(process.book.encodedProviders(bytes('k'), nowMs))[0]?.addrs).toEqual([moved])
  })

  it('are written anew once a renewal has moved their end by an hour', async () => {
    provide('a', 'k')
    store.settle()
    nowMs += writtenWithinMs - 60_000
    provide('a', 'k')
    expect(store.pending).toEqual([])
    nowMs += 60_000
    provide('a', 'k')
    expect(store.pending).toEqual(['r\u0001ak'])
    store.settle()
    await begin()
    provide('a', 'k')
    expect(store.pending).toEqual([])
  })

  it('count for the address prefix that they came from', async () => {
    for (const peer of ['a', 'b', 'c']) provide(peer, 'k', 'farm')
    provide('d', 'k', 'home')
    store.settle()
    await begin({ maxRecords: 4 })
    provide('e', 'k', 'elsewhere')
    expect(providers('k').sort()).toEqual(['b', 'c', 'd', 'e'])
  })

  it('get no longer life from a clock that was wrong', async () => {
    nowMs += 1_000 * hourMs
    provide('a', 'k')
    store.settle()
    nowMs -= 1_000 * hourMs
    await begin()
    nowMs += recordLifeMs
    expect(providers('k')).toEqual([])
  })

  it('keep their life when the clock is set while the process runs, for the next process too', async () => {
    provide('a', 'k')
    store.settle()
    const tenYearsMs = 10 * 365 * 24 * hourMs
    shiftMs = tenYearsMs
    nowMs += hourMs
    expect(providers('k')).toEqual(['a'])
    process.memory.rewriteAll()
    store.settle()
    nowMs += tenYearsMs
    shiftMs = 0
    expect(await begin()).toMatchObject({ records: 1, expired: 0, misdated: 0 })
    nowMs += recordLifeMs - hourMs - 1
    expect(providers('k')).toEqual(['a'])
    nowMs += 1
    expect(providers('k')).toEqual([])
  })

  it.each([
    ['were written in 1970', 0, Date.UTC(2026, 0, 1)],
    ['are read ten years ahead', Date.UTC(2026, 0, 1), Date.UTC(2036, 0, 1)],
    ['are read in 1970', Date.UTC(2026, 0, 1), 0]
  ])('that %s are not lost, and live for 48 h and no longer', async (_what, writtenMs, readMs) => {
    nowMs = writtenMs
    provide('a', 'k')
    store.settle()
    nowMs = readMs
    expect(await begin()).toMatchObject({ records: 1, expired: 0 })
    nowMs += recordLifeMs - 1
    expect(providers('k')).toEqual(['a'])
    nowMs += 1
    expect(providers('k')).toEqual([])
  })

  it('that are damaged are counted, left alone, and cost the others nothing', async () => {
    provide('a', 'k')
    provide('b', 'k')
    provide('c', 'k')
    store.settle()
    const keep: Array<[string, Uint8Array]> = [
      ['r\u0001ak', new Uint8Array([9, 9])],
      ['pb', new Uint8Array([1, 0])],
      ['r', new Uint8Array()],
      // somebody else's
      ['px', store.kept.get('pc')!]
    ]
    for (const [key, value] of keep) store.kept.set(key, value)
    // the record of b has no way to reach it any more
    expect(await begin()).toMatchObject({ records: 1, unreadable: 5 })
    expect(providers('k')).toEqual(['c'])
    store.settle()
    for (const [key, value] of keep) expect(store.kept.get(key)).toBe(value)
  })

  describe('in a store that cannot be read to its end', () => {
    /** @param count of entries with this prefix that can be read */
    const failAfter = (count: number, prefix: string) => {
      const entries = store.entries.bind(store)
      store.entries = async function* (wanted) {
        let read = 0
        for await (const entry of entries(wanted)) {
          if (wanted === prefix && read++ === count) throw new Error('Input/output error')
          yield entry
        }
      }
    }

    it.each(['p', 'r'])('are restored as far as they are read (%s), and nothing is removed', async (prefix) => {
      for (const peer of ['a', 'b', 'c']) provide(peer, 'k')
      store.settle()
      const before = peersAndRecords()
      failAfter(1, prefix)
      const { failure, records } = await begin({ maxRecords: 1 })
      expect([failure?.message, records]).toEqual(['Input/output error', 1])
      store.settle()
      expect(peersAndRecords()).toEqual(before)
    })

    it('include those who were connected', async () => {
      connect('a')
      connect('b')
      store.settle()
      failAfter(1, 'p')
      expect((await begin()).formerPeers.map(({ key }) => key)).toEqual(['a'])
    })
  })

  it.each<[what: string, value: Uint8Array | undefined]>([
    ['the disk has changed', undefined],
    ['another version has written', new Uint8Array([9, 9])]
  ])('that %s leave their peers where they are, and only them', async (_what, value) => {
    for (const peer of ['a', 'b', 'c']) provide(peer, 'k')
    store.settle()
    store.kept.delete('r\u0001ck')
    store.damage('r\u0001ak', value)
    expect(await begin()).toMatchObject({ records: 1, unreadable: 1, failure: undefined })
    store.settle()
    expect(peersAndRecords()).toEqual(['pa', 'pb', 'r\u0001ak', 'r\u0001bk'])
  })

  it('whose names cannot be read leave all peers where they are', async () => {
    provide('a', 'k')
    provide('b', 'k')
    store.settle()
    store.kept.delete('r\u0001ak')
    store.damage('r\u0001', undefined)
    expect(await begin()).toMatchObject({ records: 1, unreadable: 1 })
    store.settle()
    expect(peersAndRecords()).toContain('pa')
  })

  it('without their peer stay until their life is over', async () => {
    provide('a', 'k')
    store.settle()
    store.kept.delete('pa')
    expect(await begin()).toMatchObject({ records: 0, unreadable: 1, expired: 0 })
    store.settle()
    expect(peersAndRecords()).toEqual(['r\u0001ak'])
    nowMs += recordLifeMs
    expect(await begin()).toMatchObject({ records: 0, unreadable: 0, expired: 1 })
    store.settle()
    expect(peersAndRecords()).toEqual([])
  })

  it('are restored until the start is given up, and none is removed then', async () => {
    provide('a', 'k')
    store.settle()
    expect(await begin({}, AbortSignal.abort())).toMatchObject({ records: 0 })
    store.settle()
    expect(peersAndRecords()).toEqual(['pa', 'r\u0001ak'])
  })
})

describe('who was connected', () => {
  it('is known, the last to be seen first, with where it listens and came from', async () => {
    for (const peer of ['a', 'b']) {
      nowMs += 1_000
      connect(peer)
      store.settle()
    }
    const { formerPeers } = await begin()
    expect(formerPeers.map(({ key }) => key)).toEqual(['b', 'a'])
    expect(formerPeers[0]).toMatchObject({ addrs: [home], remote: multiaddr('/ip4/192.0.2.9/tcp/7').bytes })
    // they are nobody's contact before they come
    expect(process.contacts.size).toBe(0)
  })

  it('does not include who left, providing or not, nor who never said where it listens', async () => {
    connect('a')
    connect('b')
    provide('b', 'k')
    process.contacts.connected(bytes('c'))
    store.settle()
    leave('a')
    leave('b')
    store.settle()
    expect(peersAndRecords()).toEqual(['pb', 'r\u0001bk'])
    expect((await begin()).formerPeers).toEqual([])
  })

  it('includes who has two connections and closed one', async () => {
    connect('a')
    connect('a')
    leave('a')
    store.settle()
    expect((await begin()).formerPeers).toHaveLength(1)
  })

  it('is who was connected when the process began to end', async () => {
    connect('a')
    connect('b')
    provide('b', 'k')
    store.settle()
    process.memory.stop()
    leave('a')
    leave('b')
    store.settle()
    expect((await begin()).formerPeers).toHaveLength(2)
  })

  it('is bounded', async () => {
    for (let i = 0; i < 150; i++) connect(`peer ${i}`)
    store.settle()
    expect((await begin()).formerPeers).toHaveLength(100)
    store.settle()
    expect(store.kept.size).toBe(100)
  })

  it('stays so until it has been tried, for a process that ends before', async () => {
    connect('a')
    connect('b')
    provide('b', 'k')
    store.settle()
    await begin()
    store.settle()
    expect((await begin()).formerPeers).toHaveLength(2)
    // dialled, and not there
    process.memory.peerChanged('a')
    process.memory.peerChanged('b')
    store.settle()
    expect(peersAndRecords()).toEqual(['pb', 'r\u0001bk'])
    expect((await begin()).formerPeers).toEqual([])
  })
})

it('costs a change nothing but a mark, however often it comes', () => {
  connect('a')
  for (let i = 0; i < 100; i++) {
    nowMs += 2 * hourMs
    provide('a', 'k', 'net', addressOf(`192.0.2.${i % 9}`))
  }
  expect(store.pending.sort()).toEqual(['pa', 'r\u0001ak'])
  expect(store.kept.size).toBe(0)
})

describe('a store that was replaced', () => {
  beforeEach(async () => void (await begin({ maxRecords: 20_000, maxPerKey: 20_000 })))

  it('is filled again, with every peer and record, a slice in a turn of the event loop', async () => {
    for (let i = 0; i < 100; i++) {
      for (let k = 0; k < 100; k++) provide(`peer ${i}`, `key ${k}`)
    }
    connect('a')
    process.contacts.connected(bytes('says nothing'))
    store.settle()
    const before = new Map(store.kept)
    store.kept.clear()
    process.memory.rewriteAll()
    expect(store.pending.length).toBeLessThan(before.size / 2)
    await expect.poll(() => store.pending.length).toBe(before.size)
    store.settle()
    expect(store.kept).toEqual(before)
  })

  it('is left alone once the process ends', async () => {
    for (let i = 0; i < 6_000; i++) provide(`peer ${i}`, 'k')
    store.settle()
    process.memory.rewriteAll()
    process.memory.stop()
    const marked = store.pending.length
    for (let turn = 0; turn < 10; turn++) await nextTurn()
    expect(store.pending).toHaveLength(marked)
  })
})
