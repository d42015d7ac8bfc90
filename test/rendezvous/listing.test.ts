import { describe, expect, it } from 'vitest'
import { Contacts } from '../../src/rendezvous/contacts.ts'
import { maxListed } from '../../src/rendezvous/listing.ts'
import { ProviderBook } from '../../src/rendezvous/provider-book.ts'

const many = 1_000_000
const bytes = (text: string) => new Uint8Array(Buffer.from(text))
const key = bytes('k')
const address = bytes('address')

/** Providers of one key; `from` is how many sources they have, one each by default, which are called as `source` says. */
interface Crowd {
  readonly name: string
  readonly source?: string
  readonly count: number
  readonly from?: number
  readonly connected: boolean
}

/** The list of those who come in this order. */
function listOf(...crowds: Crowd[]): string[] {
  const contacts = new Contacts()
  const limits = { maxRecords: many, maxPerKey: many, maxPerPeer: many, maxBytes: 1e9, maxBytesPerSource: 1e9 }
  const book = new ProviderBook(contacts, () => {}, limits)
  for (const { name, source = name, count, from = count, connected } of crowds) {
    for (let i = 0; i < count; i++) {
      const peer = bytes(`${name} ${i}`)
      contacts.connected(peer)
      book.add(peer, [address], key, `${source} ${i % from}`, 0)
      if (!connected) contacts.disconnected(peer)
    }
  }
  return book.providers(key, 0).map((contact) => contact.key)
}

const firstHundred = (list: readonly string[], name: string) =>
  list.slice(0, 100).filter((peer) => peer.startsWith(name)).length

const here = (count: number): Crowd => ({ name: 'here', count, connected: true })
const away = (count: number): Crowd => ({ name: 'away', count, connected: false })
/** Enough to fill any list, from so many networks. */
const sybils = (from: number, connected = true): Crowd => ({
  name: `sybil ${connected}`,
  count: 3_000,
  from,
  connected
})

describe.each(['first', 'second'])('a crowd of sybils that comes %s', (comes) => {
  const honestOf = (hereCount: number, awayCount: number, ...crowds: Crowd[]) => {
    const honest = [here(hereCount), away(awayCount)]
    const list = comes === 'first' ? listOf(...crowds, ...honest) : listOf(...honest, ...crowds)
    return { here: firstHundred(list, 'here'), away: firstHundred(list, 'away') }
  }

  it('from one network leaves the others all but its turn, be they connected or not', () => {
    expect(honestOf(100, 0, sybils(1))).toEqual({ here: comes === 'first' ? 100 : 99, away: 0 })
    expect(honestOf(50, 50, sybils(1))).toEqual({ here: 50, away: 33 })
    expect(honestOf(30, 30, sybils(1))).toEqual({ here: 30, away: 30 })
    expect(honestOf(0, 100, sybils(1))).toEqual({ here: 0, away: 66 })
  })

  it('loses it the half of the first hundred from more than 50 networks, and never where it comes first', () => {
    const isFirst = comes === 'first'
    expect(honestOf(100, 0, sybils(50)).here).toBe(isFirst ? 100 : 50)
    expect(honestOf(100, 0, sybils(51)).here).toBe(isFirst ? 100 : 49)
    const { here: stayed, away: left } = honestOf(50, 50, sybils(50))
    expect([stayed, left]).toEqual([50, 0])
  })
})

describe('sybils that are away, and left after everybody else', () => {
  const honestOf = (hereCount: number, awayCount: number, networks: number) => {
    const list = listOf(here(hereCount), away(awayCount), sybils(1), sybils(networks, false))
    return firstHundred(list, 'here') + firstHundred(list, 'away')
  }

  it('take no place of anybody connected, from however many networks', () => {
    expect(honestOf(50, 50, 1_000)).toBe(50)
  })

  it('take the half of the first hundred from 27 networks on, where 30 others are connected and 30 away', () => {
    expect([honestOf(30, 30, 26), honestOf(30, 30, 27)]).toEqual([50, 49])
  })
})

it('a few that are connected behind one address are not lost among thousands of dead records', () => {
  const list = listOf({ name: 'here', count: 40, from: 1, connected: true }, away(5_000))
  expect(firstHundred(list, 'here')).toBe(34)
  expect(list[0]).toBe('here 39')
})

it('who is away takes no place of anybody connected whose network has not had its turn', () => {
  const list = listOf(here(100), away(500))
  expect(firstHundred(list, 'here')).toBe(100)
})

it('the away of a network come after all of its connected', () => {
  const connected: Crowd = { name: 'here', source: 'gateway', count: 60, from: 1, connected: true }
  const left: Crowd = { name: 'away', source: 'gateway', count: 60, from: 1, connected: false }
  const list = listOf(connected, left)
  expect(list.slice(0, 60).every((peer) => peer.startsWith('here'))).toBe(true)
  expect(list).toHaveLength(120)
})

it('is bounded, connected and away together', () => {
  expect(listOf(here(700), away(700))).toHaveLength(maxListed)
  expect(listOf(away(1_500))).toHaveLength(maxListed)
})
