import {
  type Connection,
  type DialTarget,
  type IdentifyResult,
  type Libp2pEvents,
  type MultiaddrConnection,
  type PeerId,
  type Startable,
  stop,
  type TypedEventTarget
} from '@libp2p/interface'
import type { ConnectionManager, OpenConnectionOptions } from '@libp2p/interface-internal'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { BootstrapError } from '../errors.ts'
import { networksOf, type Origin } from '../peers/address-prefix.ts'
import { peerKey } from '../peers/peer-key.ts'
import { ConnectionIndex } from './connection-index.ts'
import { surplus } from './duplicates.ts'
import type { Entry } from './entries.ts'
import { LibraryManager } from './library-manager.ts'
import { isGateway, type Marks, normalCrowd, worst } from './policy.ts'
import type { PrefixGuard } from './prefix-limits.ts'
import type { Relief } from './pressure.ts'
import { TlsOffers } from './tls-offers.ts'
import { Trimmer } from './trimmer.ts'

export interface AdmissionLimits extends Marks {
  /** Established and pending connections, inbound and outbound together. */
  readonly maxConnections: number
  /** A Go client keeps one; two dials at once and a changed address make it a few for a moment. */
  readonly maxPerPeer: number
  readonly gracePeriodMs: number
}

export interface AdmissionParts {
  readonly clock: Clock
  readonly logger: Logger
  /** Whether a peer that comes has provider records from before. */
  readonly provides: (peerKey: string) => boolean
  /** Default: address prefixes have no limits. */
  readonly prefixes?: PrefixGuard
}

export interface AdmissionComponents {
  readonly connectionManager: ConnectionManager
  readonly events: TypedEventTarget<Libp2pEvents>
}

/** Why a connection was closed. */
export type EvictionReason = 'cap' | 'trim' | 'duplicate' | 'pressure' | 'prefix' | 'stranger'
/** Why a newcomer was not let in. */
export type RefusalReason = 'nobodyToClose' | 'tooManyHandshakes' | 'pressure' | 'prefixFull'

/**
 * At the cap each socket takes somebody's place before anything is known of its peer. So many of the places may be handshakes, and
 * so many those of one network.
 */
const handshakeShareAtCap = { ofAll: 0.25, ofNetwork: 0.01 }

/** Of a manager without limits for prefixes. */
const noWaits: PrefixGuard['waits'] = { addressRate: 0, networkRate: 0 }

/**
 * Stands in for libp2p's connection manager: lets peers in up to an exact cap, and closes the worst connection for a
 * newcomer when it is reached, since clients that were refused never come back while evicted ones do at once. Only when
 * everyone is protected or within grace is a newcomer refused. Dialing and the per-peer map stay the library's.
 *
 * In libp2p 3.3.11 `maxConnections` is no cap (pending connections are not counted, and its pruner spares whoever has a
 * stream), and every admission collects all connections.
 */
export class AdmissionManager extends LibraryManager implements Startable {
  readonly index: ConnectionIndex
  readonly limits: AdmissionLimits
  readonly evictions: Record<EvictionReason, number> = {
    cap: 0,
    trim: 0,
    duplicate: 0,
    pressure: 0,
    prefix: 0,
    stranger: 0
  }
  /** Inbound connections that were not let in. */
  readonly refusals: Record<RefusalReason, number> = {
    nobodyToClose: 0,
    tooManyHandshakes: 0,
    pressure: 0,
    prefixFull: 0
  }
  readonly #tls: TlsOffers
  readonly #components: AdmissionComponents
  readonly #parts: AdmissionParts
  #pendingInbound = 0
  #pendingOutbound = 0
  /** Inbound connections that are open, and whose upgrade has yet to say that it is over. */
  #openedWhileUpgrading = 0
  #relief: Pick<Relief, 'ceiling' | 'refusing'> = { ceiling: Number.POSITIVE_INFINITY, refusing: false }
  #gatewayTold = false
  readonly #trimmer: Trimmer

  constructor(components: AdmissionComponents, limits: AdmissionLimits, parts: AdmissionParts) {
    super(components.connectionManager)
    this.#components = components
    this.limits = limits
    this.#parts = parts
    const { prefixes } = parts
    this.index = new ConnectionIndex(limits.gracePeriodMs, (ip) => prefixes?.isExempt(ip) ?? true)
    this.#tls = new TlsOffers(this.index)
    this.#trimmer = new Trimmer({
      clock: parts.clock,
      index: this.index,
      marks: limits,
      ceiling: () => this.#relief.ceiling,
      closeWorst: (reason) => this.#closeWorst(reason)
    })
  }

  /** Established and pending. */
  get total(): number {
    return this.index.connections + this.#pendingInbound + this.#pendingOutbound
  }

  /** Inbound connections that were let in and are not open yet. */
  get handshakes(): number {
    return this.#pendingInbound
  }

  /** How often the first who waits from an address or network was passed over, as its rate of handshakes was used up. */
  get waits(): PrefixGuard['waits'] {
    return this.#parts.prefixes?.waits ?? noWaits
  }

  /** Newcomers to whom TLS was not offered. */
  get tlsDeclined(): number {
    return this.#tls.declined
  }

  async start(): Promise<void> {
    const { events } = this.#components
    events.addEventListener('connection:open', this.#onOpen)
    events.addEventListener('connection:close', this.#onClose)
    events.addEventListener('peer:identify', this.#onIdentify)
    await this.inner.start()
    // the pruner knows no cap. The queue looks everybody who leaves up in the peer store, and dials DHT servers, which kad-dht 16.4.5 tags
    // (closest-peers.ts), where they say that they are: this node dials nobody because of what it hears
    const { connectionPruner, reconnectQueue } = this.inner as unknown as Record<string, unknown>
    await stop(connectionPruner, reconnectQueue)
    this.#trimmer.start()
  }

  async stop(): Promise<void> {
    const { events } = this.#components
    this.#trimmer.stop()
    await this.inner.stop()
    events.removeEventListener('connection:open', this.#onOpen)
    events.removeEventListener('connection:close', this.#onClose)
    events.removeEventListener('peer:identify', this.#onIdentify)
  }

  acceptIncomingConnection(_connection?: MultiaddrConnection): boolean {
    if (this.#relief.refusing) {
      this.refusals.pressure++
      return false
    }
    if (this.total >= this.#cap && this.#pendingInbound >= this.#cap * handshakeShareAtCap.ofAll) {
      this.refusals.tooManyHandshakes++
      return false
    }
    if (!this.#makeRoom()) {
      this.refusals.nobodyToClose++
      return false
    }
    this.#pendingInbound++
    return true
  }

  /** Lets fewer in, or nobody, and closes those above the ceiling, while something that the process needs is short. */
  relieve(relief: Pick<Relief, 'ceiling' | 'refusing'>): void {
    this.#relief = relief
  }

  get #cap(): number {
    return Math.min(this.limits.maxConnections, this.#relief.ceiling)
  }

  originOf(ip: string): Origin {
    return this.#parts.prefixes?.originOf(ip) ?? { ...networksOf(ip), exempt: true }
  }

  /** @param handshakes of its network that have come and are not over */
  mayWait(from: Origin, handshakes: number): boolean {
    if (from.exempt || this.total < this.#cap) return true
    if (handshakes < Math.max(normalCrowd, this.#cap * handshakeShareAtCap.ofNetwork)) return true
    this.refusals.tooManyHandshakes++
    return false
  }

  mayUseTls(from: Origin): boolean {
    this.#evictStranger(this.index.strangers.tlsSurplus(this.#parts.clock.now()))
    return this.#tls.take(from)
  }

  afterTls(from: Origin): void {
    this.#tls.finished(from)
  }

  mayBegin(from: Origin): boolean {
    return this.#parts.prefixes?.mayBegin(from) ?? true
  }

  afterUpgradeInbound(): void {
    if (this.#openedWhileUpgrading > 0) this.#openedWhileUpgrading--
    else this.#pendingInbound--
  }

  /** @throws BootstrapError ERR_CONNECTION_LIMIT */
  async openConnection(peer: DialTarget, options?: OpenConnectionOptions): Promise<Connection> {
    if (!this.#makeRoom()) throw new BootstrapError('ERR_CONNECTION_LIMIT', { limit: this.#cap })
    this.#pendingOutbound++
    try {
      return await this.inner.openConnection(peer, options)
    } finally {
      this.#pendingOutbound--
    }
  }

  getConnections(peer?: PeerId): Connection[] {
    return peer === undefined ? [...this.index.all()] : this.inner.getConnections(peer)
  }

  getMaxConnections(): number {
    return this.limits.maxConnections
  }

  /** True when there is room for one more, made by closing the worst if need be. */
  #makeRoom(): boolean {
    return this.total < this.#cap || this.#closeWorst('cap')
  }

  /** @returns false when all are protected or within grace */
  #closeWorst(reason: EvictionReason): boolean {
    const nowMs = this.#parts.clock.now()
    this.index.mature(nowMs)
    this.#tellGateway()
    const entry = worst(this.index, nowMs)
    if (entry !== undefined) this.#evict(entry, reason)
    return entry !== undefined
  }

  /** It counts as gone at once: its socket is closed before this returns. */
  #evict(entry: Entry, reason: EvictionReason): void {
    this.evictions[reason]++
    this.index.close(entry.connection)
    entry.connection.abort(new BootstrapError('ERR_EVICTED', { reason }))
  }

  readonly #onOpen = ({ detail: connection }: CustomEvent<Connection>): void => {
    if (connection.direction === 'inbound' && this.#pendingInbound > 0) {
      this.#pendingInbound--
      this.#openedWhileUpgrading++
    }
    if (connection.status !== 'open') return
    const provides = this.#parts.provides(peerKey(connection.remotePeer))
    // whoever is due becomes a candidate before the newcomer is there
    this.index.mature(this.#parts.clock.now())
    const entry = this.index.open(connection, provides, this.#parts.clock.now())
    const duplicate = surplus(entry, this.limits.maxPerPeer)
    if (duplicate !== undefined) this.#evict(duplicate, 'duplicate')
    this.#holdPrefix(entry)
    this.#evictStranger(this.index.strangers.surplus)
  }

  /** After the handshake: whoever only opens sockets gets nobody closed for this. */
  #holdPrefix(newcomer: Entry): void {
    const { prefixes, clock } = this.#parts
    const nowMs = clock.now()
    const surplus = prefixes?.surplus(newcomer, this.index, this.#cap, nowMs)
    if (surplus === undefined) return
    if (surplus !== newcomer) {
      this.#evict(surplus, 'prefix')
      return
    }
    this.refusals.prefixFull++
    this.index.close(newcomer.connection)
    // once everybody has heard that it is open: who hears of a close first would keep it for good
    queueMicrotask(() => newcomer.connection.abort(new BootstrapError('ERR_EVICTED', { reason: 'prefix' })))
  }

  #evictStranger(entry: Entry | undefined): void {
    if (entry !== undefined) this.#evict(entry, 'stranger')
  }

  readonly #onIdentify = ({ detail: { peerId } }: CustomEvent<IdentifyResult>): void => {
    this.index.identified(peerKey(peerId))
  }

  readonly #onClose = ({ detail: connection }: CustomEvent<Connection>): void => {
    this.index.close(connection)
  }

  #tellGateway(): void {
    const crowd = this.index.mostCrowded
    if (this.#gatewayTold || crowd === undefined || crowd.size <= normalCrowd || !isGateway(crowd, this.index)) return
    this.#gatewayTold = true
    this.#parts.logger.warn(
      { prefix: crowd.name, connections: crowd.connections },
      'most peers come from one address prefix, which is taken for a gateway: they are not closed for being a crowd'
    )
  }
}
