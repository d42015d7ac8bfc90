import type { RawEd25519Key } from '../identity/key-formats.ts'
import type { IpNetwork } from '../peers/ip-networks.ts'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** For people, or for collectors of logs. */
export type LogFormatName = 'text' | 'json'

/** What a node needs to know. Frozen; clocks and randomness are not settings and are passed beside it. */
export interface Config {
  /** Secret. Undefined: the one that is kept in `dataDir`, else a new identity. */
  readonly privateKey: RawEd25519Key | undefined
  /** Where identity and state are kept. Undefined: nowhere. */
  readonly dataDir: string | undefined
  /** 0 lets the system choose, for tests and embedders. */
  readonly port: number
  /** IPv4 and IPv6 addresses of this machine, or wildcards. */
  readonly listenAddresses: readonly string[]
  readonly publicIp: string | undefined
  /** Other bootstrap nodes, as the operator wrote them; `readMembers` says what is of use. */
  readonly bootstrapPeers: readonly string[]
  readonly connections: ConnectionLimits
  readonly prefixes: PrefixLimits
  readonly connectionStack: ConnectionStackName
  readonly relay: RelayLimits | undefined
  readonly providers: ProviderLimits
  readonly gossipsubTopicPrefix: string
  readonly log: LogConfig
  /** Status page, metrics, health. Undefined: not served. */
  readonly admin: { readonly address: string; readonly port: number } | undefined
  readonly profiles: { readonly address: string; readonly port: number } | undefined
}

/** Who makes inbound connections: this node, or the libraries. */
export type ConnectionStackName = 'lean' | 'stock'

export interface ConnectionLimits {
  readonly lowWater: number
  readonly highWater: number
  readonly gracePeriodMs: number
  readonly maxPerPeer: number
}

/** Limits of address prefixes; 0: none; auto: as many as there is room for, a share of the cap when there is none. */
export interface PrefixLimits {
  /** Networks to which none of them applies. */
  readonly exempt: readonly IpNetwork[]
  /** Connections of one address: /32 of IPv4, /64 of IPv6. */
  readonly maxPerAddress: number | 'auto'
  /** Connections of one network: /24 of IPv4, /48 of IPv6. */
  readonly maxPerNetwork: number | 'auto'
  /** Handshakes a second. */
  readonly handshakes: { readonly perAddress: number; readonly perNetwork: number }
}

export interface RelayLimits {
  readonly maxReservations: number
  readonly maxReservationsPerIp: number
  readonly maxCircuitsPerPeer: number
}

export interface ProviderLimits {
  readonly maxRecords: number
  readonly maxPerKey: number
  readonly maxPerPeer: number
  readonly maxBytes: number
}

export interface LogConfig {
  readonly level: LogLevel
  readonly format: LogFormatName
  readonly libp2pLevel: LogLevel
  readonly peerConnections: boolean
  readonly file: LogFileConfig | undefined
}

export interface LogFileConfig {
  readonly path: string
  readonly maxSizeMb: number
  /** 0: all. */
  readonly maxBackups: number
  /** 0: for ever. */
  readonly maxAgeDays: number
  readonly compress: boolean
}
