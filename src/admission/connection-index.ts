import type { Connection } from '@libp2p/interface'
import { networksOf, remoteIpOf } from '../peers/address-prefix.ts'
import { peerKey } from '../peers/peer-key.ts'
import { ConnectionKinds } from './connection-kinds.ts'
import { Address, Candidates, type Entry, isOverTls, type Peer, Prefix } from './entries.ts'
import { RecencySet } from './recency.ts'
import { Strangers } from './strangers.ts'

/** To file a peer anew at each request would be a twentieth of what it costs. */
const activeForMs = 1_000

/**
 * The connections that are open: by peer, by address prefix, and in the order in which trimming asks for them. Kept up to
 * date as things happen, so nobody scans: libp2p 3.3.11's `getConnections()` takes 15 ms at 10,000 connections and grows
 * with the square. Holds one entry for each connection, peer, prefix and limited address that there is.
 *
 * A connection is young first and becomes a candidate when its grace period is over, as if it had been active just then.
 */
export class ConnectionIndex {
  /** Of all prefixes. */
  readonly candidates = new Candidates()
  readonly kinds = new ConnectionKinds()
  readonly strangers = new Strangers()
  readonly #gracePeriodMs: number
  readonly #isExempt: (ip: string) => boolean
  readonly #byConnection = new Map<Connection, Entry>()
  readonly #byPeer = new Map<string, Peer>()
  readonly #byPrefix = new Map<string, Prefix>()
  readonly #byAddress = new Map<string, Address>()
  /** Prefixes by their number of candidates, which changes by one at a time. */
  readonly #bySize = new Map<number, RecencySet<Prefix>>()
  #largestSize = 0
  /** In the order in which they came, which is the order in which they grow up. */
  readonly #young = new RecencySet<Entry>()

  /** @param isExempt whether the connections of an address are not limited; default: none is exempt */
  constructor(gracePeriodMs: number, isExempt: (ip: string) => boolean = () => false) {
    this.#gracePeriodMs = gracePeriodMs
    this.#isExempt = isExempt
  }

  get connections(): number {
    return this.#byConnection.size
  }

  /** Peers with at least one connection. */
  get connectedPeers(): number {
    return this.#byPeer.size
  }

  get prefixes(): number {
    return this.#byPrefix.size
  }

  /** All address prefixes, in no order, each with its open connections. */
  prefixCounts(): Iterable<Pick<Prefix, 'name' | 'connections'>> {
    return this.#byPrefix.values()
  }

  /** Connections over TLS of the limited addresses of a network. */
  tlsOf(network: string): number {
    return this.#byPrefix.get(network)?.limitedTls ?? 0
  }

  /** Limited addresses with at least one connection. */
  get addresses(): number {
    return this.#byAddress.size
  }

  /** A prefix with the most candidates. */
  get mostCrowded(): Prefix | undefined {
    return this.#bySize.get(this.#largestSize)?.first
  }

  /** @param key of the peer, from `peerKey` */
  isConnected(key: string): boolean {
    return this.#byPeer.has(key)
  }

  all(): IterableIterator<Connection> {
    return this.#byConnection.keys()
  }

  /** @param providing whether the peer has provider records, should this be its first connection */
  open(connection: Connection, providing: boolean, nowMs: number): Entry {
    const known = this.#byConnection.get(connection)
    if (known !== undefined) return known

    const key = peerKey(connection.remotePeer)
    const peer = this.#byPeer.get(key) ?? {
      key,
      entries: new Set(),
      protectedBy: new Set(),
      providing,
      stranger: connection.direction === 'inbound'
    }
    this.#byPeer.set(key, peer)
    const { prefix, address } = this.#placesOf(connection)
    prefix.connections++
    if (address !== undefined) {
      prefix.limited++
      address.connections++
    }

    const entry: Entry = { connection, peer, prefix, address, openedAtMs: nowMs, lastActiveMs: nowMs, young: true }
    if (address !== undefined && isOverTls(entry)) prefix.limitedTls++
    peer.entries.add(entry)
    this.#byConnection.set(connection, entry)
    this.kinds.opened(connection)
    this.#young.use(entry)
    if (peer.stranger) this.strangers.add(entry)
    return entry
  }

  close(connection: Connection): void {
    const entry = this.#byConnection.get(connection)
    if (entry === undefined) return
    const { peer, prefix, address } = entry
    this.#byConnection.delete(connection)
    this.kinds.closed(connection)
    this.#unfile(entry)
    this.#young.delete(entry)
    this.strangers.delete(entry)
    peer.entries.delete(entry)
    if (peer.entries.size === 0) this.#byPeer.delete(peer.key)
    if (--prefix.connections === 0) this.#byPrefix.delete(prefix.name)
    if (address === undefined) return
    prefix.limited--
    if (isOverTls(entry)) prefix.limitedTls--
    if (--address.connections < address.forgetBelow) address.candidates = undefined
    if (address.connections === 0) this.#byAddress.delete(address.name)
  }

  /**
   * The candidates of the address of an entry. The first time looks at all candidates of its prefix; they are kept up to date
   * until half of the address' connections have gone.
   */
  candidatesOf({ address, prefix }: Entry): Candidates | undefined {
    if (address === undefined) return undefined
    if (address.candidates === undefined) {
      address.candidates = new Candidates()
      address.forgetBelow = address.connections / 2
      for (const kind of ['withoutRecords', 'withRecords'] as const) {
        for (const entry of prefix[kind]) if (entry.address === address) address.candidates[kind].use(entry)
      }
    }
    return address.candidates
  }

  /** Makes candidates of those whose grace period is over. Call it often: what is due is done at one go. */
  mature(nowMs: number): void {
    for (let entry = this.#young.first; entry !== undefined; entry = this.#young.first) {
      if (nowMs - entry.openedAtMs < this.#gracePeriodMs) break
      this.#young.delete(entry)
      entry.young = false
      this.#file(entry)
    }
  }

  /** The peer asked something: it becomes the last to be closed, if it has not become so within the last second. */
  active(key: string, nowMs: number): void {
    const peer = this.#byPeer.get(key)
    if (peer === undefined) return
    this.#meet(peer)
    if (!wasQuiet(peer, nowMs)) return
    this.#change(key, ({ entries }) => {
      for (const entry of entries) entry.lastActiveMs = nowMs
    })
  }

  /** The peer has said who it is: it is no stranger from now on, until its last connection is closed. */
  identified(key: string): void {
    const peer = this.#byPeer.get(key)
    if (peer !== undefined) this.#meet(peer)
  }

  providing(key: string, providing: boolean): void {
    this.#change(key, (peer) => {
      peer.providing = providing
    })
  }

  /** Trimming leaves the peer alone, until all reasons are taken back or it leaves. */
  protect(key: string, reason: string): void {
    this.#change(key, (peer) => {
      peer.protectedBy.add(reason)
      this.#meet(peer)
    })
  }

  unprotect(key: string, reason: string): void {
    this.#change(key, (peer) => peer.protectedBy.delete(reason))
  }

  #meet(peer: Peer): void {
    if (!peer.stranger) return
    peer.stranger = false
    for (const entry of peer.entries) this.strangers.delete(entry)
  }

  #change(key: string, apply: (peer: Peer) => void): void {
    const peer = this.#byPeer.get(key)
    if (peer === undefined) return
    for (const entry of peer.entries) this.#unfile(entry)
    apply(peer)
    for (const entry of peer.entries) this.#file(entry)
  }

  #placesOf(connection: Connection): { prefix: Prefix; address: Address | undefined } {
    const ip = remoteIpOf(connection)
    const names = ip === undefined ? undefined : networksOf(ip)
    const name = names?.network ?? 'relayed'
    const prefix = this.#byPrefix.get(name) ?? new Prefix(name)
    this.#byPrefix.set(name, prefix)
    if (ip === undefined || names === undefined || this.#isExempt(ip)) return { prefix, address: undefined }
    const address = this.#byAddress.get(names.address) ?? new Address(names.address)
    this.#byAddress.set(address.name, address)
    return { prefix, address }
  }

  /** Puts an entry where the state of its peer says, as the most recently used. */
  #file(entry: Entry): void {
    const { peer, prefix, young } = entry
    if (young || peer.protectedBy.size > 0) return
    for (const group of [this.candidates, prefix, entry.address?.candidates]) {
      if (peer.providing) group?.withRecords.use(entry)
      else group?.withoutRecords.use(entry)
    }
    this.#resize(prefix, prefix.size - 1)
  }

  #unfile(entry: Entry): void {
    const { peer, prefix, young } = entry
    if (young || peer.protectedBy.size > 0) return
    for (const group of [this.candidates, prefix, entry.address?.candidates]) {
      group?.withRecords.delete(entry)
      group?.withoutRecords.delete(entry)
    }
    this.#resize(prefix, prefix.size + 1)
  }

  #resize(prefix: Prefix, sizeBefore: number): void {
    const before = this.#bySize.get(sizeBefore)
    before?.delete(prefix)
    if (before?.size === 0) this.#bySize.delete(sizeBefore)
    if (prefix.size > 0) {
      const same = this.#bySize.get(prefix.size) ?? new RecencySet<Prefix>()
      same.use(prefix)
      this.#bySize.set(prefix.size, same)
    }
    if (prefix.size > this.#largestSize) this.#largestSize = prefix.size
    else if (!this.#bySize.has(this.#largestSize)) this.#largestSize = Math.max(0, this.#largestSize - 1)
  }
}

function wasQuiet({ entries }: Peer, nowMs: number): boolean {
  for (const { lastActiveMs } of entries) if (nowMs - lastActiveMs >= activeForMs) return true
  return false
}
