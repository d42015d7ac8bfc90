import type { Origin } from '../../peers/address-prefix.ts'

/**
 * Handshakes under way. One that has said no more than its ClientHello holds 47 KB, so these are 48 MB at most; and at a round
 * trip of 0.3 s, of which a handshake takes three, an address gets 280 of them done a second, and all together more than
 * a core can do.
 */
export const mostUnderWay = { ofAddress: 256, ofNetwork: 512, ofAll: 1_024 }

/** A handshake that takes longer makes room for another from the same place, when all places there are taken. */
export const stalledAfterMs = 3_000

interface Held<T> {
  readonly handshake: T
  readonly from: Origin
  readonly sinceMs: number
}

/** What is under way, the oldest first: of all, of each network and of each address. */
export class HandshakeSlots<T> {
  readonly #held = new Map<T, Held<T>>()
  readonly #ofNetwork = new Map<string, Set<Held<T>>>()
  readonly #ofAddress = new Map<string, Set<Held<T>>>()
  readonly #most: typeof mostUnderWay

  constructor(most = mostUnderWay) {
    this.#most = most
  }

  get size(): number {
    return this.#held.size
  }

  /** Those of a network. */
  sizeOf({ network }: Origin): number {
    return this.#ofNetwork.get(network)?.size ?? 0
  }

  /** Addresses and networks that are known. */
  get prefixes(): number {
    return this.#ofAddress.size + this.#ofNetwork.size
  }

  /** Whether nobody at all may begin now: all slots are taken, and no handshake has stalled. */
  isFull(nowMs: number): boolean {
    if (this.#held.size < this.#most.ofAll) return false
    const oldest = firstOf<Held<T>>(this.#held.values())
    return oldest !== undefined && nowMs - oldest.sinceMs < stalledAfterMs
  }

  /** Whether one more from there may begin: `full`: not now; else who has to be ended for it, undefined: nobody. */
  roomFor({ address, network }: Origin, nowMs: number): T | undefined | 'full' {
    const groups = [
      { held: this.#ofAddress.get(address), most: this.#most.ofAddress },
      { held: this.#ofNetwork.get(network), most: this.#most.ofNetwork },
      { held: this.#held, most: this.#most.ofAll }
    ]
    for (const { held, most } of groups) {
      if (held === undefined || held.size < most) continue
      const oldest = firstOf<Held<T>>(held.values())
      return oldest === undefined || nowMs - oldest.sinceMs < stalledAfterMs ? 'full' : oldest.handshake
    }
    return undefined
  }

  add(handshake: T, from: Origin, nowMs: number): void {
    const held = { handshake, from, sinceMs: nowMs }
    this.#held.set(handshake, held)
    addTo(this.#ofAddress, from.address, held)
    addTo(this.#ofNetwork, from.network, held)
  }

  delete(handshake: T): void {
    const held = this.#held.get(handshake)
    if (held === undefined) return
    this.#held.delete(handshake)
    takeFrom(this.#ofAddress, held.from.address, held)
    takeFrom(this.#ofNetwork, held.from.network, held)
  }
}

function firstOf<V>(values: Iterator<V>): V | undefined {
  const { done, value } = values.next()
  return done === true ? undefined : value
}

function addTo<V>(groups: Map<string, Set<V>>, name: string, value: V): void {
  const group = groups.get(name) ?? new Set()
  groups.set(name, group.add(value))
}

function takeFrom<V>(groups: Map<string, Set<V>>, name: string, value: V): void {
  const group = groups.get(name)
  group?.delete(value)
  if (group?.size === 0) groups.delete(name)
}
