import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { PrefixLimits } from '../config/index.ts'
import { networksOf, type Origin } from '../peers/address-prefix.ts'
import { IpNetworks } from '../peers/ip-networks.ts'
import type { ConnectionIndex } from './connection-index.ts'
import type { Entry } from './entries.ts'
import { HandshakeBuckets } from './handshake-rates.ts'
import { worstOf } from './policy.ts'
import { sharesOf } from './prefix-shares.ts'

/** What a limit made somebody wait for or lose. */
export type PrefixLimit = 'addressRate' | 'networkRate' | 'addressConnections' | 'networkConnections'

/** Each limit that binds is told so often, and no oftener. */
const tellAgainMs = 600_000

/** Who holds prefixes to their limits: says who may begin, and who goes when there are too many. */
export class PrefixGuard {
  /** How often a handshake found the rate of its address or network used up, and waited; it asks again and again. */
  readonly waits: Record<'addressRate' | 'networkRate', number> = { addressRate: 0, networkRate: 0 }
  readonly #exempt: IpNetworks
  readonly #limits: PrefixLimits
  readonly #buckets: HandshakeBuckets
  readonly #clock: Clock
  readonly #logger: Logger
  /** By limit: what one prefix does must not hide another limit. */
  readonly #toldAtMs = new Map<PrefixLimit, number>()

  constructor(limits: PrefixLimits, clock: Clock, logger: Logger) {
    this.#limits = limits
    this.#exempt = new IpNetworks(limits.exempt)
    this.#buckets = new HandshakeBuckets(limits.handshakes)
    this.#clock = clock
    this.#logger = logger
  }

  /** Prefixes whose handshakes are counted. */
  get counted(): number {
    return this.#buckets.size
  }

  isExempt(ip: string): boolean {
    return this.#exempt.has(ip)
  }

  originOf(ip: string): Origin {
    return { ...networksOf(ip), exempt: this.isExempt(ip) }
  }

  /** Whether one more handshake from there may begin now; counts it if so. */
  mayBegin(from: Origin): boolean {
    if (from.exempt) return true
    const reason = this.#buckets.take(from, this.#clock.now())
    if (reason === undefined) return true
    this.waits[reason]++
    this.#tell(reason, reason === 'addressRate' ? from.address : from.network)
    return false
  }

  /**
   * Who goes since the address or network of a newcomer has too many connections: the worst of its own, as at the cap; the
   * newcomer when all others of them are protected or within grace. Undefined: there are not too many.
   *
   * @param cap connections that there may be in all
   */
  surplus(newcomer: Entry, index: ConnectionIndex, cap: number, nowMs: number): Entry | undefined {
    const { address, prefix } = newcomer
    if (address === undefined) return undefined
    const { perAddress, perNetwork } = sharesOf(this.#limits, index.connections, cap)
    if (perAddress > 0 && address.connections > perAddress) {
      this.#tell('addressConnections', address.name)
      return this.#worstOfAddress(newcomer, index, nowMs) ?? newcomer
    }
    if (perNetwork === 0 || prefix.limited <= perNetwork) return undefined
    this.#tell('networkConnections', prefix.name)
    const worst = worstOf(prefix, nowMs)
    // an exempt one does not count among them
    if (worst?.address !== undefined) return worst
    return this.#worstOfAddress(newcomer, index, nowMs) ?? newcomer
  }

  #worstOfAddress(newcomer: Entry, index: ConnectionIndex, nowMs: number): Entry | undefined {
    const candidates = index.candidatesOf(newcomer)
    return candidates === undefined ? undefined : worstOf(candidates, nowMs)
  }

  #tell(limit: PrefixLimit, prefix: string): void {
    const nowMs = this.#clock.now()
    const toldAtMs = this.#toldAtMs.get(limit)
    if (toldAtMs !== undefined && nowMs - toldAtMs < tellAgainMs) return
    this.#toldAtMs.set(limit, nowMs)
    this.#logger.warn(
      { prefix, limit },
      `${prefix} has reached a limit (${limit}); if many honest peers share it, add it to LIMIT_EXEMPT_NETWORKS`
    )
  }
}
