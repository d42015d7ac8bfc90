import type { Networks } from '../peers/address-prefix.ts'

export interface HandshakeRates {
  /** Handshakes a second of one address (/32, /64); 0: any number. */
  readonly perAddress: number
  /** Of one network (/24, /48); 0: any number. */
  readonly perNetwork: number
}

/**
 * So many seconds' worth may come at once. With 100 a second an address has a burst of 2,000, ten times that of the largest
 * crowd that is normal, and 3,400 are in before a Go client gives up after 15 s.
 */
export const burstSeconds = 20

/** Some 8 MB at most. An attacker who has more prefixes than this needs no more than one handshake from each. */
export const maxBuckets = 65_536

/** How many handshakes may begin, for each address and each network that they come from. */
export class HandshakeBuckets {
  readonly #addresses: TokenBuckets
  readonly #networks: TokenBuckets

  constructor({ perAddress, perNetwork }: HandshakeRates, most = maxBuckets) {
    this.#addresses = new TokenBuckets(perAddress, burstSeconds, most / 2)
    this.#networks = new TokenBuckets(perNetwork, burstSeconds, most / 2)
  }

  /** Prefixes that are known: those that have not been quiet for long enough to be as good as new. */
  get size(): number {
    return this.#addresses.size + this.#networks.size
  }

  /** Takes one handshake of both; undefined: it may begin; else what it has too many of, and nothing is taken. */
  take({ address, network }: Networks, nowMs: number): 'addressRate' | 'networkRate' | undefined {
    if (!this.#addresses.has(address, nowMs)) return 'addressRate'
    if (!this.#networks.has(network, nowMs)) return 'networkRate'
    this.#addresses.take(address, nowMs)
    this.#networks.take(network, nowMs)
    return undefined
  }
}

/** So many buckets are looked at for each token that is taken: more than are added, so those that are full go. */
const lookedAt = 2

/**
 * Token buckets that hold one number each: when the bucket will be full (the virtual scheduling of GCRA, ITU-T I.371). One
 * that is full is as good as forgotten, so what is kept follows from the rate of all that begins. At the bound the next in
 * turn goes, full or not, which at worst is as if that prefix had not come yet.
 */
export class TokenBuckets {
  /** Prefix → when it will be full, in ms. */
  readonly #fullAtMs = new Map<string, number>()
  /** Goes round all of them; whoever asked for the first each time would walk over all that was deleted before it. */
  #hand = this.#fullAtMs.entries()
  readonly #msEach: number
  readonly #burstMs: number
  readonly #most: number

  /**
   * @param rate tokens a second; 0: no limit
   * @param burst in seconds of the rate
   */
  constructor(rate: number, burst: number, most: number) {
    this.#msEach = rate === 0 ? 0 : 1_000 / rate
    this.#burstMs = burst * 1_000
    this.#most = most
  }

  get size(): number {
    return this.#fullAtMs.size
  }

  /** Whether there is a token. */
  has(prefix: string, nowMs: number): boolean {
    const fullAtMs = this.#fullAtMs.get(prefix) ?? nowMs
    // a part of a token is none, however the times were rounded
    return Math.max(fullAtMs, nowMs) + this.#msEach <= nowMs + this.#burstMs + 1e-6
  }

  /** To be called when there is one. */
  take(prefix: string, nowMs: number): void {
    if (this.#msEach === 0) return
    const fullAtMs = this.#fullAtMs.get(prefix) ?? nowMs
    this.#fullAtMs.set(prefix, Math.max(fullAtMs, nowMs) + this.#msEach)
    for (let looked = 0; looked < lookedAt || this.size > this.#most; looked++) this.#look(nowMs)
  }

  #look(nowMs: number): void {
    const { done, value } = this.#hand.next()
    if (done === true) {
      this.#hand = this.#fullAtMs.entries()
      return
    }
    const [prefix, fullAtMs] = value
    if (fullAtMs <= nowMs || this.size > this.#most) this.#fullAtMs.delete(prefix)
  }
}
