import { Heaviest } from './heaviest.ts'
import { type Camp, inCamp, inCrowd, inRing, type ProviderRecord, Source } from './provider-records.ts'

/**
 * Provider records by the address prefix that they came from, by whether their peers are connected, and by key: the orders
 * in which answers list and bounds evict. Every operation is O(1). Holds nothing for a prefix without records.
 */
export class ProviderFiles {
  readonly #sources = new Map<string, Source>()
  readonly #heaviestSource = new Heaviest<Source>()
  readonly #heaviestAway = new Heaviest<Camp>()

  get sources(): number {
    return this.#sources.size
  }

  /** Puts a record that is in no file in front, where the state of its peer says. */
  file(record: ProviderRecord, prefix: string): void {
    let source = this.#sources.get(prefix)
    if (source === undefined) {
      source = new Source(prefix)
      this.#sources.set(prefix, source)
    }
    const camp = record.contact.connections > 0 ? source.here : source.away
    const crowd = record.key.crowdOf(camp) ?? record.key.openCrowd(camp)
    inRing.moveFirst(crowd.ring, crowd)
    record.crowd = crowd
    inCrowd.addFirst(crowd, record)
    inCamp.addFirst(camp, record)
    if (camp.connected) record.key.connected++
    this.#weigh(camp, record.weight)
  }

  takeOut(record: ProviderRecord): void {
    const { crowd } = record
    if (crowd === undefined) return
    const { camp, key } = crowd
    inCrowd.remove(crowd, record)
    inCamp.remove(camp, record)
    record.crowd = undefined
    if (camp.connected) key.connected--
    if (crowd.first === undefined) key.closeCrowd(crowd)
    this.#weigh(camp, -record.weight)
    if (camp.source.weight === 0) this.#sources.delete(camp.source.prefix)
  }

  /** After the state of its peer has changed. */
  fileAgain(record: ProviderRecord): void {
    const prefix = record.crowd?.camp.source.prefix
    if (prefix === undefined) return
    this.takeOut(record)
    this.file(record, prefix)
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
  }
}
