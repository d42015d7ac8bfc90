/**
 * What federated nodes and their clients cost, on paper: measured costs times how often they occur. docs/scaling.md holds the
 * tables between its markers; `npx tsx bench/scaling.ts` prints them anew.
 */

/** Of this machine (2 shared cores, Node 20); how each was measured is in docs/scaling.md. */
export const costs = {
  /** A join over TLS: the first choice of Go clients. */
  joinCpuMs: 2.0,
  /** GET_PROVIDERS, and what each provider in the answer adds. */
  getCpuMs: 0.18,
  listedCpuMs: 0.000_41,
  findNodeCpuMs: 0.14,
  addProviderCpuMs: 0.1,
  /** Pings of a connection at rest, as a share of a core. */
  idleShare: 0.000_006,
  noiseConnectionBytes: 13_000,
  tlsConnectionBytes: 62_000,
  recordBytes: 160,
  emptyProcessBytes: 85_000_000,
  /** A provider in an answer: id, three addresses, framing. */
  listedBytes: 90,
  /** Providers of an answer at most (`maxListed` of rendezvous/listing.ts). */
  maxListed: 1_000
} as const

/** A collector: three keys that all others provide, too; a look at each every 30 s, a renewal every 5 min. */
export const client = { keys: 3, lookEveryS: 30, renewEveryS: 300 } as const

export interface NodeLoad {
  readonly connections: number
  readonly records: number
  readonly noiseGb: number
  readonly tlsGb: number
  readonly getsPerS: number
  readonly renewalsPerS: number
  /** Answers and the rest, in cores. */
  readonly cores: number
  readonly megabytesPerS: number
  /** All clients again after a start, at one core. */
  readonly refillS: number
}

/**
 * What one of the nodes carries. How many there are does not appear: up to 20 (Kademlia's k) a Go client connects to each of
 * them, advertises to each and asks each in every lookup.
 */
export function nodeLoad(clients: number, maxListed: number = costs.maxListed): NodeLoad {
  const records = clients * client.keys
  const getsPerS = (clients * client.keys) / client.lookEveryS
  const renewalsPerS = (clients * client.keys) / client.renewEveryS
  const listed = Math.min(clients, maxListed)
  const memory = (connectionBytes: number) =>
    (costs.emptyProcessBytes + clients * connectionBytes + records * costs.recordBytes) / 1e9
  const getCpuMs = costs.getCpuMs + listed * costs.listedCpuMs
  return {
    connections: clients,
    records,
    noiseGb: memory(costs.noiseConnectionBytes),
    tlsGb: memory(costs.tlsConnectionBytes),
    getsPerS,
    renewalsPerS,
    cores:
      (getsPerS * getCpuMs + renewalsPerS * (costs.findNodeCpuMs + costs.addProviderCpuMs)) / 1000 +
      clients * costs.idleShare,
    megabytesPerS: (getsPerS * listed * costs.listedBytes) / 1e6,
    refillS: (clients * costs.joinCpuMs) / 1000
  }
}

const crowds = [1_000, 10_000, 50_000, 100_000]

export function loadTable(maxListed?: number): string {
  const rows = crowds.map((clients) => {
    const load = nodeLoad(clients, maxListed)
    return [
      grouped(clients),
      grouped(load.records),
      `${load.noiseGb.toFixed(1)} / ${load.tlsGb.toFixed(1)} GB`,
      `${grouped(load.getsPerS)} + ${grouped(load.renewalsPerS)}`,
      load.cores.toFixed(2),
      `${grouped(load.megabytesPerS)} MB/s`,
      `${grouped(load.refillS)} s`
    ]
  })
  return table(
    ['clients = connections', 'records', 'memory, Noise / TLS', 'GET + renewals /s', 'cores', 'sent', 'refill'],
    rows
  )
}

/** What a client has of more nodes, and what all of them together carry. */
export function federationTable(clients: number): string {
  const one = nodeLoad(clients)
  const rows = [1, 2, 3, 5, 10].map((nodes) => [
    String(nodes),
    String(nodes),
    `${grouped((nodes * client.keys * Math.min(clients, costs.maxListed) * costs.listedBytes) / client.lookEveryS / 1000)} KB/s`,
    String(nodes - 1),
    grouped(one.getsPerS * nodes),
    `${(one.megabytesPerS * nodes) / 1000 < 1 ? (one.megabytesPerS * nodes).toFixed(0) : grouped(one.megabytesPerS * nodes)} MB/s`
  ])
  return table(
    ['nodes', 'connections of a client', 'a client reads', 'links of a node', 'GET /s, all nodes', 'sent, all nodes'],
    rows
  )
}

function grouped(n: number): string {
  return Math.round(n).toLocaleString('en-US')
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(header), `|${'---|'.repeat(header.length)}`, ...rows.map(line)].join('\n')
}

if (import.meta.filename === process.argv[1])
  console.log([loadTable(), loadTable(100), federationTable(100_000)].join('\n\n'))
