import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { Contacts } from '../../src/rendezvous/contacts.ts'
import { encodePeer } from '../../src/rendezvous/encode.ts'
import { ProviderBook, recordLifeMs } from '../../src/rendezvous/provider-book.ts'
import { contactBytes, keyBytes, type ProviderRecord, recordBytes } from '../../src/rendezvous/provider-records.ts'
import { peersIn } from './peers-in.ts'

const limits = {
  maxRecords: 9,
  maxPerKey: 7,
  maxPerPeer: 3,
  maxBytes: 1e6,
  // two or three peers' records
  maxBytesPerSource: 3_200,
  isGateway: (prefix: string) => prefix === 'z'
}
const address = Buffer.from('address')
const peerBytes = contactBytes + encodePeer(Buffer.from('a'), [address]).length
const peers = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
/** One of them a gateway's, see above; most records come from the first. */
const prefixes = ['x', 'y', 'z', 'u']
const keys = ['k', 'l', 'm', 'n']
const bytes = (text: string) => new Uint8Array(Buffer.from(text))

interface Row {
  readonly peer: string
  readonly key: string
  prefix: string
  addedMs: number
  /** When it was added, or its peer came or left, in events. */
  moved: number
  /** Whether its peer's own memory counts with it. */
  bears: boolean
}

type Gone = Pick<Row, 'peer' | 'key'>

type Act = { what: 'add' | 'come' | 'leave'; peer: string; key: string; prefix: string; waitMs: number }

/** The book as arrays that are sorted and searched; the rows stand in the order of renewal. */
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

  /** Adds or renews, bounds or not. */
  add(row: Row): Row {
    const own = this.rows.filter(({ peer }) => peer === row.peer)
    const known = own.find(({ key }) => key === row.key)
    row.bears = known?.bears ?? own.length === 0
    this.rows = this.rows.filter((other) => other !== known)
    this.forgetEmptyCrowds()
    this.rows.push(row)
    this.move(row)
    return row
  }

  /** Who may be evicted for all, by the rule. */
  #mayGo(row: Row): boolean {
    const weight = (rows: Row[], prefix: string) => this.#weight(rows, prefix)
    const total = prefixes.reduce((sum, prefix) => sum + weight(this.rows, prefix), 0)
    const heaviest = (rows: Row[]) => Math.max(...rows.map(({ prefix }) => weight(rows, prefix)))
    const away = this.rows.filter((other) => !this.isHere(other))
    const majority = this.rows.find(({ prefix }) => weight(this.rows, prefix) * 2 > total)?.prefix
    const isOldest = (rows: Row[]) =>
      rows.every((other) => other.prefix !== row.prefix || other.moved >= row.moved) && rows.includes(row)
    if (majority !== undefined) return row === this.#oldestOf(majority)
    if (away.length > 0) return isOldest(away) && weight(away, row.prefix) * 2 > heaviest(away)
    return isOldest(this.rows) && weight(this.rows, row.prefix) * 2 > heaviest(this.rows)
  }

  /** Who goes for the key of the newcomer. */
  #worstOfKey(newcomer: Row): Row | undefined {
    const others = this.rows.filter(({ key }) => key === newcomer.key)
    const own = others.filter((other) => other !== newcomer && other.prefix === newcomer.prefix)
    const from = own.length > 0 ? own : others
    const away = from.filter((other) => !this.isHere(other))
    const quiet = (row: Row) => this.crowds.get(this.#crowd(row)) ?? 0
    return (away.length > 0 ? away : from).sort((a, b) => quiet(a) - quiet(b) || a.moved - b.moved)[0]
  }

  /** Takes away what the book took away, in its order, and sees that each had to go and that none is left that has to. */
  follow(gone: Gone[], nowMs: number, newcomer?: Row): void {
    for (const { peer, key } of gone.splice(0)) {
      const row = this.rows.find((other) => other.peer === peer && other.key === key)
      expect(this.#whoHasToGo(nowMs, newcomer)).toContain(row)
      this.remove((other) => other === row)
    }
    expect(this.#whoHasToGo(nowMs, newcomer)).toEqual([])
  }

  /** One of them; where several sources have too much, or several are about the heaviest, the rule leaves it open. */
  #whoHasToGo(nowMs: number, newcomer?: Row): Row[] {
    const oldest = this.rows[0]
    if (oldest !== undefined && nowMs - oldest.addedMs >= recordLifeMs) return [oldest]
    if (newcomer !== undefined) {
      const own = this.rows.filter(({ peer }) => peer === newcomer.peer)
      if (own.length > limits.maxPerPeer) return own.slice(0, 1)
      const worst = this.#worstOfKey(newcomer)
      if (worst !== undefined && this.rows.filter(({ key }) => key === newcomer.key).length > limits.maxPerKey)
        return [worst]
    }
    const surplus = prefixes.flatMap((prefix) =>
      !limits.isGateway(prefix) && this.#weight(this.rows, prefix) > limits.maxBytesPerSource
        ? (this.#oldestOf(prefix) ?? [])
        : []
    )
    if (surplus.length > 0) return surplus
    return this.rows.length > limits.maxRecords ? this.rows.filter((row) => this.#mayGo(row)) : []
  }

  remove(isGone: (row: Row) => boolean): void {
    this.rows = this.rows.filter((row) => !isGone(row))
    for (const peer of peers) {
      const its = this.rows.filter((row) => row.peer === peer)
      if (its[0] !== undefined && !its.some(({ bears }) => bears)) its[0].bears = true
    }
    this.forgetEmptyCrowds()
  }

  /** Of a source: records, peers, and keys, those of the connected and of the others. */
  #weight(rows: Row[], prefix: string): number {
    const its = rows.filter((row) => row.prefix === prefix)
    const crowds = new Set(its.map((row) => this.#crowd(row))).size
    return its.length * recordBytes + its.filter(({ bears }) => bears).length * peerBytes + crowds * (keyBytes + 1)
  }

  /** The away before the connected. */
  #oldestOf(prefix: string): Row | undefined {
    const its = this.rows.filter((row) => row.prefix === prefix).sort((a, b) => a.moved - b.moved)
    return its.find((row) => !this.isHere(row)) ?? its[0]
  }

  /** The connected by turns; and before each, where their turn is sooner, two of the away. */
  list(key: string): string[] {
    const away = this.#byTurns(key, false)
    const listed: string[] = []
    for (const one of this.#byTurns(key, true)) {
      const sooner = away.filter(({ turn }) => turn < one.turn).slice(0, 2)
      listed.push(...away.splice(0, sooner.length).map(({ peer }) => peer), one.peer)
    }
    return [...listed, ...away.map(({ peer }) => peer)]
  }

  /** A source's away have their turns behind its connected. */
  #byTurns(key: string, connected: boolean): Array<{ peer: string; turn: number }> {
    const rows = this.rows.filter((row) => row.key === key)
    const places = rows
      .filter((row) => this.isHere(row) === connected)
      .map((row) => {
        const own = rows.filter(({ prefix }) => prefix === row.prefix)
        const first = connected ? 0 : own.filter(this.isHere).length
        const crowd = own.filter((other) => this.isHere(other) === connected)
        const turn = first + crowd.filter(({ moved }) => moved > row.moved).length
        return { peer: row.peer, turn, first, crowdMoved: this.crowds.get(this.#crowd(row)) ?? 0 }
      })
    return places.sort((a, b) => a.turn - b.turn || a.first - b.first || b.crowdMoved - a.crowdMoved)
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
    // most of one key, and of one source: what is listed when depends on how many there are of each
    key: fc.constantFrom('k', 'k', 'k', ...keys),
    prefix: fc.constantFrom('x', ...prefixes),
    waitMs: fc.oneof({ weight: 20, arbitrary: fc.nat(1_000) }, { weight: 1, arbitrary: fc.nat(recordLifeMs) })
  })
  fc.assert(
    fc.property(fc.array(act, { minLength: 10, maxLength: 80 }), (acts) => {
      const contacts = new Contacts()
      const providing = new Set<string>()
      const tell = (peer: string, is: boolean) => (is ? providing.add(peer) : providing.delete(peer))
      const book = new ProviderBook(contacts, tell, limits)
      const model = new Model()
      const gone: Gone[] = []
      const recordChanged = ({ key, contact }: ProviderRecord) => {
        if (!contact.provides.has(key.text)) gone.push({ peer: contact.key, key: key.text })
      }
      book.rememberWith({ contactChanged: () => {}, recordChanged })
      let nowMs = 0
      for (const { what, peer, key, prefix, waitMs } of acts) {
        nowMs += waitMs
        book.expire(nowMs)
        model.follow(gone, nowMs)
        if (what === 'add') {
          book.add(bytes(peer), [address], bytes(key), prefix, nowMs)
          const row = model.add({ peer, key, prefix, addedMs: nowMs, moved: 0, bears: false })
          model.follow(gone, nowMs, row)
        } else if ((what === 'leave') === model.here.has(peer)) {
          turn(model, contacts, peer)
          // a key weighs in each camp of a source, and what has become too much goes with the next who asks
          book.expire(nowMs)
          model.follow(gone, nowMs)
        }

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
