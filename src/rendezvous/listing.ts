import type { Ends } from './chain.ts'
import type { Contact } from './contacts.ts'
import { type Crowd, inCrowd, inRing, type KeyEntry, type ProviderRecord } from './provider-records.ts'

/** Go's FindPeers stops at 100; the rest is for clients that filter what they are told. */
export const maxListed = 1_000

/** Of peers that are away, for each that is connected, where their turn comes sooner. */
const awayForEachHere = 2

/**
 * At most {@link maxListed} of those who provide a key, the most useful first.
 *
 * Sources are listed by turns, so that whoever has many identities at one place takes only that place's turn: first the newest
 * of each source, then the second, and so on. A source's connected come before its away, whose turns go on from there.
 *
 * The connected go first, turn by turn, as who is away may be gone for good. But who left is often still where it listens
 * (most clients dial this node once and never again), and a second identity of one place must not keep the first of another
 * out: where an away one's turn is sooner than that of the next connected one, two of the away go for each connected. Not all
 * of them, since there may be thousands of dead ones, each from a place of its own, and the few that are connected behind one
 * address are what a client needs: a third of the first hundred is more than a mesh takes. So a crowd of one source that is
 * connected leaves the away of other sources 66 of 100, and a crowd of the away takes no turn of anybody who is connected.
 */
export function listedOf(entry: KeyEntry): Contact[] {
  const here = new ByTurns(entry.here, () => 0)
  const away = new ByTurns(entry.away, ({ camp }) => entry.crowdOf(camp.source.here)?.size ?? 0)
  const listed: Contact[] = []
  let awayInARow = 0
  while (listed.length < maxListed) {
    const isAway = away.turn < here.turn && (here.turn === over || awayInARow < awayForEachHere)
    const record = (isAway ? away : here).take()
    if (record === undefined) break
    awayInARow = isAway ? awayInARow + 1 : 0
    listed.push(record.contact)
  }
  return listed
}

const over = Number.POSITIVE_INFINITY

interface Place {
  readonly record: ProviderRecord
  /** Counts from 0. */
  readonly turn: number
}

/**
 * The records of a ring by turns, and in a turn those first whose crowd began in an earlier one, then the crowd in which something
 * happened last. At most {@link maxListed} crowds take part.
 */
class ByTurns {
  /** The first of each crowd that does not begin in the first turn, that whose turn comes first last. */
  readonly #beginning: Place[] = []
  /** Of the turn under way. */
  #now: ProviderRecord[] = []
  #taken = 0
  /** What follows in the crowds of those that were taken. */
  #next: ProviderRecord[] = []
  #turn = over

  /** @param firstTurnOf a crowd, from 0 */
  constructor(ring: Ends<Crowd> | undefined, firstTurnOf: (crowd: Crowd) => number) {
    let left = maxListed
    for (let crowd = ring?.first; crowd?.first !== undefined && left > 0; crowd = inRing.next(crowd), left--) {
      const turn = firstTurnOf(crowd)
      if (turn === 0) this.#now.push(crowd.first)
      else this.#beginning.push({ record: crowd.first, turn })
    }
    if (this.#beginning.length > 0) this.#beginning.sort((one, other) => one.turn - other.turn).reverse()
    if (this.#now.length > 0) this.#turn = 0
    else this.#begin(this.#beginning.at(-1)?.turn ?? over)
  }

  /** The turn of the record that {@link take} gives next; infinite: there is none. */
  get turn(): number {
    return this.#turn
  }

  take(): ProviderRecord | undefined {
    const record = this.#now[this.#taken++]
    const after = record && inCrowd.next(record)
    if (after !== undefined) this.#next.push(after)
    if (this.#taken >= this.#now.length) {
      this.#now = this.#next
      this.#next = []
      this.#begin(this.#now.length > 0 ? this.#turn + 1 : (this.#beginning.at(-1)?.turn ?? over))
    }
    return record
  }

  #begin(turn: number): void {
    this.#turn = turn
    this.#taken = 0
    for (let first = this.#beginning.at(-1); first?.turn === turn; first = this.#beginning.at(-1)) {
      this.#now.push(first.record)
      this.#beginning.pop()
    }
  }
}
