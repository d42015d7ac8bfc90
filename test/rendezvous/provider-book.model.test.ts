import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { Contacts } from '../../src/rendezvous/contacts.ts'
import { ProviderBook, recordLifeMs } from '../../src/rendezvous/provider-book.ts'
import { peersIn } from './peers-in.ts'

const limits = { maxRecords: 7, maxPerKey: 4, maxPerPeer: 3, maxBytes: 1e6 }
const peers = ['a', 'b', 'c', 'd', 'e', 'f']
const keys = ['k', 'l', 'm', 'n']
const bytes = (text: string) => new Uint8Array(Buffer.from(text))

interface Row {
  readonly peer: string
  readonly key: string
  prefix: string
  addedMs: number
  /** When it was added, or its peer came or left, in events. */
  moved: number
}

type Act = { what: 'add' | 'come' | 'leave'; peer: string; key: string; prefix: string; waitMs: number }

/** The book as arrays that are sorted and searched. All records weigh the same. */
class Model {
  rows: Row[] = []
  readonly here = new Set<string>()
  /** When something last came into a crowd that is not empty. */
  readonly crowds = new Map<string, number>()
  #event = 0

  isHere = (row: Row) => this.here.has(row.peer)

  move(row: Row): void {
    row.moved = ++this.#event
    this.crowds.set(this.#crowd(row), row.moved)
  }

  /** Who may be evicted for all, by the rule. */
  mayGo(row: Row): boolean {
    const weight = (rows: Row[], prefix: string) => rows.filter((other) => other.prefix === prefix).length
    const heaviest = (rows: Row[]) => Math.max(...rows.map(({ prefix }) => weight(rows, prefix)))
    const away = this.rows.filter((other) => !this.isHere(other))
    const majority = this.rows.find(({ prefix }) => weight(this.rows, prefix) * 2 > this.rows.length)?.prefix
    const isOldest = (rows: Row[]) =>
      rows.every((other) => other.prefix !== row.prefix || other.moved >= row.moved) && rows.includes(row)
    if (majority !== undefined) {
      const its = away.filter(({ prefix }) => prefix === majority)
      return row.prefix === majority && isOldest(its.length > 0 ? its : this.rows)
    }
    if (away.length > 0) return isOldest(away) && weight(away, row.prefix) * 2 > heaviest(away)
    return isOldest(this.rows) && weight(this.rows, row.prefix) * 2 > heaviest(this.rows)
  }

  /** The same for the key of the newcomer. */
  mayGoOfKey(row: Row, newcomer: Row): boolean {
    const others = this.rows.filter(({ key }) => key === newcomer.key)
    const own = others.filter((other) => other !== newcomer && other.prefix === newcomer.prefix)
    const from = own.length > 0 ? own : others
    const away = from.filter((other) => !this.isHere(other))
    const candidates = away.length > 0 ? away : from
    return (
      candidates.includes(row) && candidates.every((other) => other.prefix !== row.prefix || other.moved >= row.moved)
    )
  }

  list(key: string): string[] {
    return [true, false].flatMap((connected) => {
      const rows = this.rows.filter((row) => row.key === key && this.isHere(row) === connected)
      const crowds = [...new Set(rows.map((row) => this.#crowd(row)))]
        .sort((one, other) => (this.crowds.get(other) ?? 0) - (this.crowds.get(one) ?? 0))
        .map((crowd) => rows.filter((row) => this.#crowd(row) === crowd).sort((one, other) => other.moved - one.moved))
      return rows.flatMap((_, turn) => crowds.flatMap((crowd) => crowd[turn]?.peer ?? []))
    })
  }

  forgetEmptyCrowds(): void {
    const filled = new Set(this.rows.map((row) => this.#crowd(row)))
    for (const crowd of this.crowds.keys()) if (!filled.has(crowd)) this.crowds.delete(crowd)
  }

  #crowd(row: Row): string {
    return `${row.key} ${row.prefix} ${this.isHere(row)}`
  }
}

it('agrees with arrays that are sorted and searched', () => {
  const act: fc.Arbitrary<Act> = fc.record({
    what: fc.constantFrom('add', 'add', 'add', 'come', 'leave'),
    peer: fc.constantFrom(...peers),
    key: fc.constantFrom(...keys),
    prefix: fc.constantFrom('x', 'y', 'z'),
    waitMs: fc.oneof({ weight: 20, arbitrary: fc.nat(1_000) }, { weight: 1, arbitrary: fc.nat(recordLifeMs) })
  })
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const contacts = new Contacts()
      const providing = new Set<string>()
      const tell = (peer: string, is: boolean) => (is ? providing.add(peer) : providing.delete(peer))
      const book = new ProviderBook(contacts, tell, limits)
      const model = new Model()
      let nowMs = 0
      for (const { what, peer, key, prefix, waitMs } of acts) {
        nowMs += waitMs
        book.expire(nowMs)
        model.rows = model.rows.filter(({ addedMs }) => nowMs - addedMs < recordLifeMs)
        model.forgetEmptyCrowds()
        if (what === 'add') add(model, { peer, key, prefix, addedMs: nowMs, moved: 0 }, book, nowMs)
        else if (what === 'come' && !model.here.has(peer)) turn(model, contacts, peer)
        else if (what === 'leave' && model.here.has(peer)) turn(model, contacts, peer)
        model.forgetEmptyCrowds()

        expect(book.records).toBe(model.rows.length)
        for (const wanted of keys) {
          expect(book.providers(bytes(wanted), nowMs).map((contact) => contact.key)).toEqual(model.list(wanted))
          const told = peersIn(book.encodedProviders(bytes(wanted), nowMs))
          expect(told.map(({ id, connected }) => [Buffer.from(id).toString(), connected])).toEqual(
            model.list(wanted).map((name) => [name, model.here.has(name)])
          )
        }
        expect(contacts.size).toBe(new Set([...model.rows.map((row) => row.peer), ...model.here]).size)
        expect([...providing].sort()).toEqual([...new Set(model.rows.map((row) => row.peer))].sort())
        expect(book.keys).toBe(new Set(model.rows.map((row) => row.key)).size)
        expect(book.sources).toBe(new Set(model.rows.map((row) => row.prefix)).size)
        for (const { text, records, connected } of book.keyCounts()) {
          const rows = model.rows.filter(({ key }) => key === text)
          expect([records, connected]).toEqual([rows.length, rows.filter(model.isHere).length])
        }
        expect(book.bytes > 0).toBe(model.rows.length > 0)
      }
    }),
    { numRuns: 300 }
  )
})

function add(model: Model, row: Row, book: ProviderBook, nowMs: number): void {
  book.add(bytes(row.peer), [bytes('address')], bytes(row.key), row.prefix, nowMs)
  model.rows = model.rows.filter(({ peer, key }) => peer !== row.peer || key !== row.key)
  model.forgetEmptyCrowds()
  model.rows.push(row)
  model.move(row)

  const own = model.rows.filter(({ peer }) => peer === row.peer)
  if (own.length > limits.maxPerPeer) model.rows = model.rows.filter((other) => other !== own[0])
  const gone = model.rows.filter(
    ({ peer, key }) => !book.providers(bytes(key), nowMs).some((contact) => contact.key === peer)
  )
  const ofKey = model.rows.filter(({ key }) => key === row.key).length > limits.maxPerKey
  expect(gone).toHaveLength(ofKey || model.rows.length > limits.maxRecords ? 1 : 0)
  for (const victim of gone) {
    expect(ofKey ? model.mayGoOfKey(victim, row) : model.mayGo(victim)).toBe(true)
    model.rows = model.rows.filter((other) => other !== victim)
  }
}

/** The peer comes or leaves. */
function turn(model: Model, contacts: Contacts, peer: string): void {
  if (model.here.has(peer)) {
    model.here.delete(peer)
    contacts.disconnected(bytes(peer))
  } else {
    model.here.add(peer)
    contacts.connected(bytes(peer))
  }
  model.forgetEmptyCrowds()
  for (const row of model.rows.filter((candidate) => candidate.peer === peer)) model.move(row)
}
