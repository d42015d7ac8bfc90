import type { Connection } from '@libp2p/interface'
import { tlsProtocol } from '../connection/protocols.ts'
import { RecencySet } from './recency.ts'

/** An open connection as admission sees it. */
export interface Entry {
  readonly connection: Connection
  readonly peer: Peer
  readonly prefix: Prefix
  /** Undefined when the connections of its address are not limited. */
  readonly address: Address | undefined
  readonly openedAtMs: number
  /** When the peer last asked something, or came. */
  lastActiveMs: number
  /** Still within its grace period: no candidate. */
  young: boolean
}

/** A peer with at least one open connection. */
export interface Peer {
  readonly key: string
  readonly entries: Set<Entry>
  /** Why its connections are never closed by trimming; empty: they may be. */
  readonly protectedBy: Set<string>
  /** It has provider records. */
  providing: boolean
  /** It has neither said who it is nor asked for anything, and was not dialled. */
  stranger: boolean
}

/** Connections that trimming may close, longest idle first. */
export class Candidates {
  readonly withoutRecords = new RecencySet<Entry>()
  readonly withRecords = new RecencySet<Entry>()

  get size(): number {
    return this.withoutRecords.size + this.withRecords.size
  }
}

/** The candidates of one address prefix. */
export class Prefix extends Candidates {
  /** Open connections, candidates or not. */
  connections = 0
  /** Those of addresses that are limited, and of them those over TLS. */
  limited = 0
  limitedTls = 0
  /** Those of strangers. */
  strangers = 0

  constructor(readonly name: string) {
    super()
  }
}

/** A limited address. Its candidates are known once somebody has asked, as most addresses have a connection or two. */
export class Address {
  connections = 0
  candidates: Candidates | undefined
  /** Below so many they are forgotten again. */
  forgetBelow = 0

  constructor(readonly name: string) {}
}

export function isOverTls({ connection }: Entry): boolean {
  return connection.encryption === tlsProtocol
}
