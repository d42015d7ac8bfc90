import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { Contacts } from '../../../src/rendezvous/contacts.ts'
import { encodePeer } from '../../../src/rendezvous/encode.ts'
import { ProviderBook } from '../../../src/rendezvous/provider-book.ts'
import { FailedDials, maxFailedDials } from '../../../src/rendezvous/remembered/failed-dials.ts'
import { Memory } from '../../../src/rendezvous/remembered/memory.ts'
import { restore } from '../../../src/rendezvous/remembered/restore.ts'
import { MemoryStore } from '../../support/store.ts'

const bytes = (text: string) => new Uint8Array(Buffer.from(text))
const addr = (text: string) => multiaddr(text).bytes
const relayed = (ip: string) =>
  addr(`/ip4/${ip}/tcp/4001/p2p/12D3KooWLj3rEPbGPaAUFnpCGojy4K1enVu8yYbmxH3vufAphQFn/p2p-circuit`)
const home = addr('/ip4/192.0.2.1/tcp/9000')
const lan = addr('/ip4/10.0.0.1/tcp/9000')
const other = addr('/ip4/192.0.2.2/tcp/9000')

describe('a failed dial', () => {
  const said = (...addrs: Uint8Array[]) => encodePeer(bytes('a'), addrs)

  it('is known while the peer listens at the same endpoints, in whatever order and through whatever relay', () => {
    const failed = new FailedDials()
    failed.add('a', [home, lan, relayed('192.0.2.7')])
    expect(failed.has('a', said(lan, home, relayed('192.0.2.8')))).toBe(true)
    for (const moved of [said(home), said(lan, home, other), said(other), said()]) {
      expect(failed.has('a', moved)).toBe(false)
    }
    // it has come back to where it was
    expect(failed.has('a', said(home, lan))).toBe(true)
    expect(failed.has('b', said(home, lan))).toBe(false)
    failed.delete('a')
    expect(failed.has('a', said(home, lan))).toBe(false)
  })

  it('is known of so many peers at most: those that failed last', () => {
    const failed = new FailedDials()
    for (let i = 0; i < maxFailedDials; i++) failed.add(`p${i}`, [home])
    failed.add('p1', [home])
    failed.add('one more', [home])
    failed.add('and another', [home])
    expect(failed.size).toBe(maxFailedDials)
    const known = ['p0', 'p1', 'p2', 'p3', 'one more', 'and another'].filter((peer) => failed.has(peer, said(home)))
    expect(known).toEqual(['p1', 'p3', 'one more', 'and another'])
  })
})

describe('who could not be dialled', () => {
  const limits = { maxRecords: 10, maxPerKey: 10, maxPerPeer: 10, maxBytes: 1e9, maxBytesPerSource: 1e9 }
  const nowMs = Date.UTC(2026, 0, 1)
  const store = new MemoryStore()

  async function begin() {
    const contacts = new Contacts()
    const book = new ProviderBook(contacts, () => {}, limits)
    const signal = new AbortController().signal
    const restored = await restore(store, { contacts, book, changes: store }, 2, nowMs, signal)
    const memory = new Memory(store, contacts, () => nowMs)
    for (const { key, addrs } of restored.failedBefore) memory.failedDials.add(key, addrs)
    memory.start(book)
    const come = (peer: string, at = home) => {
      contacts.connected(bytes(peer))
      contacts.identified(bytes(peer), [at], { remoteAddr: multiaddr('/ip4/192.0.2.9/tcp/7') })
    }
    return { ...restored, contacts, book, memory, come }
  }
  const flags = ({ formerPeers }: Awaited<ReturnType<typeof begin>>) =>
    formerPeers.map(({ key, dialFailed }) => `${key} ${dialFailed}`)

  it('is known to the processes after, behind all others, until it is reached or elsewhere', async () => {
    const first = await begin()
    for (const peer of ['a', 'b', 'c']) {
      first.memory.failedDials.add(peer, [home])
      first.come(peer)
    }
    first.memory.failedDials.delete('c')
    first.memory.peerChanged('c')
    store.settle()

    // one too many: who failed is left out
    const second = await begin()
    expect(flags(second)).toEqual(['c false', 'a true'])
    for (const peer of ['a', 'b', 'c']) second.come(peer, peer === 'a' ? other : home)
    store.settle()
    expect(flags(await begin())).toEqual(['a false', 'c false'])
  })

  it('stays so as a provider that is away', async () => {
    const first = await begin()
    first.memory.failedDials.add('p', [home])
    first.book.add(bytes('p'), [home], bytes('key'), 'net', nowMs)
    store.settle()
    const second = await begin()
    expect(second.formerPeers.map(({ key }) => key)).not.toContain('p')
    second.come('p')
    store.settle()
    const third = await begin()
    expect(third.failedBefore.map(({ key }) => key)).toContain('p')
  })
})
