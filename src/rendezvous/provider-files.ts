import { Heaviest } from './heaviest.ts'
import {
  type Camp,
  inCamp,
  inCrowd,
  inRing,
  type KeyEntry,
  keyBytes,
  type ProviderRecord,
  Source
} from './provider-records.ts'
import type { SourceLimits } from './source-limits.ts'

/**
 * Provider records by the address prefix that they came from, by whether their peers are connected, and by key: the orders
 * in which answers list and bounds evict. Every operation is O(1). Holds nothing for a prefix without records.
 */
export class ProviderFiles {
  readonly #sources = new Map<string, Source>()
  readonly #heaviestSource = new Heaviest<Source>()
  readonly #heaviestAway = new Heaviest<Camp>()
  /** Those that went beyond their share, as there is room for a few of them only. */
  readonly #overfull = new Set<Source>()
  readonly #limits: SourceLimits

  constructor(limits: SourceLimits) {
    this.#limits = limits
  }

  get sources(): number {
    return this.#sources.size
  }

  /** Puts a record that is in no file in front, where the state of its peer says. */
  file(record: ProviderRecord, prefix: string): void {
    let source = this.#sources.get(prefix)
    if (source === undefined) {
      const { maxBytesPerSource, isGateway } = this.#limits
      source = new Source(prefix, isGateway?.(prefix) === true ? Number.POSITIVE_INFINITY : maxBytesPerSource)
      this.#sources.set(prefix, source)
    }
    const camp = record.contact.connections > 0 ? source.here : source.away
    const known = record.key.crowdOf(camp)
    const crowd = known ?? record.key.openCrowd(camp)
    inRing.moveFirst(crowd.ring, crowd)
    record.crowd = crowd
    inCrowd.addFirst(crowd, record)
    crowd.size++
    inCamp.addFirst(camp, record)
    if (camp.connected) record.key.connected++
    this.#weigh(camp, record.weight + (known === undefined ? weightOf(record.key) : 0))
  }

  takeOut(record: ProviderRecord): void {
    const { crowd } = record
    if (crowd === undefined) return
    const { camp, key } = crowd
    inCrowd.remove(crowd, record)
    crowd.size--
    inCamp.remove(camp, record)
    record.crowd = undefined
    if (camp.connected) key.connected--
    const isLast = crowd.first === undefined
    if (isLast) key.closeCrowd(crowd)
    this.#weigh(camp, -record.weight - (isLast ? weightOf(key) : 0))
    if (camp.source.weight === 0) this.#sources.delete(camp.source.prefix)
  }

  /** A record that is filed weighs so much more, or less. */
  changeWeight(record: ProviderRecord, difference: number): void {
    record.weight += difference
    if (record.crowd !== undefined) this.#weigh(record.crowd.camp, difference)
  }

  /** After the state of its peer has changed. */
  fileAgain(record: ProviderRecord): void {
    const prefix = record.crowd?.camp.source.prefix
    if (prefix === undefined) return
    this.takeOut(record)
    this.file(record, prefix)
  }

  /** Who makes room in a source that has more than its share, chosen as below; undefined: none has. */
  surplus(): ProviderRecord | undefined {
    for (const source of this.#overfull) {
      if (source.weight > source.maxWeight) return source.away.last ?? source.here.last
      this.#overfull.delete(source)
    }
    return undefined
  }

  /**
   * Who makes room for all: of the source with the most records of peers that are away, the one that left, or renewed its
   * record, longest ago; the connected go last, of the source with the most. But a source that has more than half of
   * everything pays itself, so whoever has many identities at one place leaves the others half of the book.
   */
  worst(): ProviderRecord | undefined {
    const source = this.#heaviestSource.top()
    if (source === undefined) return undefined
    if (source.weight * 2 > this.#heaviestSource.totalWeight) return source.away.last ?? source.here.last
    return this.#heaviestAway.top()?.last ?? source.here.last
  }

  /**
   * Who makes room for a newcomer of the same key: a record from its own source if there is one, else from that where
   * nothing has happened for longest; the away before the connected in both.
   */
  worstOfKey(newcomer: ProviderRecord): ProviderRecord | undefined {
    const { key, crowd } = newcomer
    if (crowd === undefined) return undefined
    const { away, here } = crowd.camp.source
    for (const camp of [away, here]) {
      const last = key.crowdOf(camp)?.last
      if (last !== undefined && last !== newcomer) return last
    }
    return key.away?.last?.last ?? key.here?.last?.last
  }

  #weigh(camp: Camp, difference: number): void {
    this.#heaviestSource.change(camp.source, difference)
    if (!camp.connected) this.#heaviestAway.change(camp, difference)
    if (camp.source.weight > camp.source.maxWeight) this.#overfull.add(camp.source)
  }
}

/** A key weighs in each source that provides it: what it weighs for all is not to depend on who came first. */
function weightOf(key: KeyEntry): number {
  return keyBytes + key.text.length
}
