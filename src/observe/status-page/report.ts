// What the page and the node say to each other: types alone, as the browser's half is compiled on its own.

/** `null`: not known, or nothing happened that could be measured. */
export type Maybe<T> = T | null

export interface RpcFigures {
  readonly type: string
  readonly perSecond: number
  /** Of them. */
  readonly failedPerSecond: number
  readonly p50Seconds: Maybe<number>
  readonly p99Seconds: Maybe<number>
}

/** What is read from the metrics; rates and quantiles are those of {@link Figures.windowSeconds}. */
export interface Figures {
  /** 0: there was only one reading so far, and rates are not known. */
  readonly windowSeconds: number
  readonly connections: number
  readonly peers: number
  readonly inbound: number
  readonly outbound: number
  /** By name of the protocol. */
  readonly bySecurity: Readonly<Record<string, number>>
  readonly lowWater: number
  readonly highWater: number
  readonly cap: number
  readonly joinsPerSecond: Maybe<number>
  readonly leavesPerSecond: Maybe<number>
  readonly refusalsPerSecond: Maybe<number>
  readonly evictionsPerSecond: Maybe<number>
  readonly handshakeFailuresPerSecond: Maybe<number>
  readonly handshakeP50Seconds: Maybe<number>
  readonly handshakeP99Seconds: Maybe<number>
  readonly rpcPerSecond: Maybe<number>
  readonly rpcP50Seconds: Maybe<number>
  readonly rpcP99Seconds: Maybe<number>
  /** Those that were asked within the window, the most frequent first. */
  readonly rpcs: readonly RpcFigures[]
  readonly providerKeys: number
  readonly providerRecords: number
  readonly providerBytes: number
  readonly eventLoopDelaySeconds: Maybe<number>
  readonly residentBytes: number
  readonly heapBytes: number
  /** 0: not known, as all limits here. */
  readonly heapLimitBytes: number
  readonly memoryLimitBytes: number
  readonly openFiles: number
  readonly openFilesLimit: number
  /** Of one core. */
  readonly cpuShare: Maybe<number>
}

export type Verdict = 'act' | 'watch' | 'good' | 'hint'

export interface Advice {
  readonly verdict: Verdict
  /** What is the case. */
  readonly what: string
  /** What the operator can do. */
  readonly todo: string
}

export interface Warning {
  readonly atMs: number
  readonly level: string
  readonly text: string
  /** How often in a row. */
  readonly times: number
}

export interface Share {
  readonly name: string
  readonly connections: number
}

/** The most frequent, and how many belong to none of them. */
export interface Shares {
  readonly top: readonly Share[]
  readonly others: number
}

export interface ProvidedKey {
  /** A CID where the key is a multihash, as Go prints it; else hexadecimal. */
  readonly name: string
  readonly connected: number
  readonly away: number
}

export interface NodeDetails {
  readonly peerId: string
  /** The one to hand out first. */
  readonly addresses: readonly string[]
  readonly keys: readonly ProvidedKey[]
  readonly agents: Shares
  readonly prefixes: Shares
}

export interface Reach {
  readonly ok: boolean
  readonly detail: string
}

/** The answer of `/status.json`. */
export interface StatusReport {
  /** Wall time, as all that ends in AtMs. */
  readonly atMs: number
  readonly phase: 'starting' | 'running' | 'stopping'
  readonly version: string
  readonly runtime: string
  readonly uptimeSeconds: number
  readonly reach: Reach
  readonly advice: readonly Advice[]
  readonly figures: Figures
  readonly node: Maybe<NodeDetails>
  readonly warnings: readonly Warning[]
}

/** What is kept for plots. */
export const seriesNames = [
  'connections',
  'joins',
  'leaves',
  'refusals',
  'evictions',
  'handshakeP99',
  'rpcs',
  'rpcP50',
  'rpcP99',
  'records',
  'heap',
  'resident',
  'eventLoop',
  'cpu'
] as const

export type SeriesName = (typeof seriesNames)[number]

/** The answer of `/history.json`. */
export interface HistoryReport {
  readonly stepSeconds: number
  /** Seconds since 1970. */
  readonly times: readonly number[]
  readonly series: Readonly<Record<SeriesName, ReadonlyArray<Maybe<number>>>>
}
