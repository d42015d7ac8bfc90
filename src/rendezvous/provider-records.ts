import type { CachedAnswer } from './answer-cache.ts'
import { Chain, type Ends } from './chain.ts'
import type { Contact } from './contacts.ts'
import type { Weighed } from './heaviest.ts'

/** What an object of each kind takes on the heap of Node 20 and 24, its share of the collections included; measured. */
export const recordBytes = 320
export const keyBytes = 180
export const contactBytes = 600

/** That a peer provides a key. */
export class ProviderRecord {
  /** Bytes, those of its contact included if it is the one of the contact's records that bears them. */
  weight = recordBytes
  expiresAtMs = 0
  /** The minute of expiry, of wall time, that is remembered beyond this process; 0: none is. */
  writtenMinute = 0
  newer: ProviderRecord | undefined = undefined
  older: ProviderRecord | undefined = undefined
  beforeInCrowd: ProviderRecord | undefined = undefined
  afterInCrowd: ProviderRecord | undefined = undefined
  beforeInCamp: ProviderRecord | undefined = undefined
  afterInCamp: ProviderRecord | undefined = undefined
  /** Where it is filed. */
  crowd: Crowd | undefined = undefined

  constructor(
    readonly key: KeyEntry,
    readonly contact: Contact
  ) {}
}

/** A key that somebody provides. */
export class KeyEntry {
  records = 0
  /** Of them, those whose peers are connected. */
  connected = 0
  cached: CachedAnswer | undefined = undefined
  /** Its crowds of connected peers, and of those who left; the one in which something happened last comes first. */
  here: Ends<Crowd> | undefined = undefined
  away: Ends<Crowd> | undefined = undefined
  /** Once there are several: a Map for each key, or for each source, would be a quarter of all memory. */
  #byCamp: Map<Camp, Crowd> | undefined = undefined

  constructor(readonly text: string) {}

  crowdOf(camp: Camp): Crowd | undefined {
    if (this.#byCamp !== undefined) return this.#byCamp.get(camp)
    return [this.here?.first, this.away?.first].find((crowd) => crowd?.camp === camp)
  }

  /** Makes the crowd of a camp that has none. */
  openCrowd(camp: Camp): Crowd {
    const crowd = new Crowd(this, camp)
    const others = [this.here?.first, this.away?.first]
    inRing.addFirst(crowd.ring, crowd)
    if (this.#byCamp === undefined && others.some((other) => other !== undefined)) {
      this.#byCamp = new Map()
      for (const other of others) if (other !== undefined) this.#byCamp.set(other.camp, other)
    }
    this.#byCamp?.set(camp, crowd)
    return crowd
  }

  /** Forgets a crowd that is empty. */
  closeCrowd(crowd: Crowd): void {
    inRing.remove(crowd.ring, crowd)
    this.#byCamp?.delete(crowd.camp)
    if (this.#byCamp?.size === 0) this.#byCamp = undefined
  }
}

/** The records of one key and one camp; the one that was renewed, or whose peer came or left, last comes first. */
export class Crowd implements Ends<ProviderRecord> {
  first: ProviderRecord | undefined = undefined
  last: ProviderRecord | undefined = undefined
  /** Records in it. */
  size = 0
  before: Crowd | undefined = undefined
  after: Crowd | undefined = undefined

  constructor(
    readonly key: KeyEntry,
    readonly camp: Camp
  ) {}

  get ring(): Ends<Crowd> {
    const ring = this.camp.connected ? 'here' : 'away'
    this.key[ring] ??= { first: undefined, last: undefined }
    return this.key[ring]
  }
}

/** All records from one source whose peers are connected, or all whose peers are away; in the order of a crowd. */
export class Camp implements Ends<ProviderRecord>, Weighed {
  first: ProviderRecord | undefined = undefined
  last: ProviderRecord | undefined = undefined
  weight = 0
  shelf = -1
  place = 0

  constructor(
    readonly source: Source,
    readonly connected: boolean
  ) {}
}

/** An address prefix that records came from. */
export class Source implements Weighed {
  weight = 0
  shelf = -1
  place = 0
  readonly here = new Camp(this, true)
  readonly away = new Camp(this, false)

  /** @param maxWeight bytes, beyond which its own records make room */
  constructor(
    readonly prefix: string,
    readonly maxWeight: number
  ) {}
}

/** All records; the youngest renewal first. */
export const byAge = new Chain<ProviderRecord>('newer', 'older')
export const inCrowd = new Chain<ProviderRecord>('beforeInCrowd', 'afterInCrowd')
export const inCamp = new Chain<ProviderRecord>('beforeInCamp', 'afterInCamp')
export const inRing = new Chain<Crowd>('before', 'after')
