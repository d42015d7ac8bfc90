/** One row of the table: what a hostile process does. */
export interface Attack {
  /** How the tables and `--only` call it. */
  readonly name: string
  /** Of `load attack`, see test/interop/go/load/attack.go. */
  readonly mode: string
  readonly flags?: Readonly<Record<string, string | number>>
  /** Whom it needs to be there: only a server with an admin HTTP. */
  readonly needsAdmin?: true
  /** It has done what `flags.n` says before the honest clients come, and goes on. */
  readonly comesFirst?: true
  /** Half of the honest clients have left when it is measured; their records stay. */
  readonly halfAway?: true
  /** The records of the attacker stay for their life of 48 h, so memory is not back when it has left. */
  readonly leavesRecords?: true
}

/** One process may have 20,000 files open on a usual machine; it also needs some for itself. */
const manyConnections = 15_000

/** Who comes first is there when it has ten times as many identities as a client looks at. */
const settledSybils = 1_000

export const attacks: readonly Attack[] = [
  { name: 'connections, one address', mode: 'connections', flags: { spread: 'one', n: manyConnections } },
  { name: 'connections, one /24', mode: 'connections', flags: { spread: 'net24', n: manyConnections } },
  { name: 'connections, many networks', mode: 'connections', flags: { spread: 'many', n: manyConnections } },
  { name: 'clients, one /24', mode: 'clients', flags: { spread: 'net24', n: manyConnections } },
  { name: 'half-open', mode: 'half-open', flags: { spread: 'net24', n: manyConnections } },
  { name: 'handshakes, TLS', mode: 'handshakes', flags: { spread: 'net24', sec: 'tls' } },
  { name: 'handshakes, Noise', mode: 'handshakes', flags: { spread: 'net24', sec: 'noise' } },
  { name: 'strange keys', mode: 'strange-keys', flags: { spread: 'net24' } },
  { name: 'streams', mode: 'streams' },
  { name: 'resets', mode: 'resets' },
  { name: 'slow readers', mode: 'slow-readers', flags: { spread: 'net24', n: 2_000 } },
  { name: 'closed windows', mode: 'closed-windows', flags: { spread: 'net24', n: 2_000 } },
  { name: 'yamux breaches', mode: 'yamux' },
  { name: 'pings', mode: 'pings' },
  { name: 'giant messages', mode: 'giants' },
  { name: 'half messages', mode: 'halves', flags: { spread: 'net24', n: 2_000 } },
  { name: 'identify bombs', mode: 'identify', flags: { spread: 'net24', n: 4_000, sec: 'noise' } },
  { name: 'identify pushes', mode: 'pushes' },
  { name: 'provider spam', mode: 'provider-spam', flags: { spread: 'net24' }, leavesRecords: true },
  { name: 'foreign addresses', mode: 'foreign-records', flags: { spread: 'net24', n: 10_000 }, leavesRecords: true },
  { name: 'sybil', mode: 'sybil', flags: { spread: 'net24', n: 10_000 }, leavesRecords: true },
  { name: 'sybil, 20 networks', mode: 'sybil', flags: { spread: 'nets', nets: 20, n: 10_000 }, leavesRecords: true },
  {
    name: 'sybil, first',
    mode: 'sybil',
    flags: { spread: 'net24', n: settledSybils },
    comesFirst: true,
    leavesRecords: true
  },
  {
    name: 'sybil, first, half away',
    mode: 'sybil',
    flags: { spread: 'net24', n: settledSybils },
    comesFirst: true,
    halfAway: true,
    leavesRecords: true
  },
  {
    name: 'sybil, first, 20 networks, half away',
    mode: 'sybil',
    flags: { spread: 'nets', nets: 20, n: settledSybils },
    comesFirst: true,
    halfAway: true,
    leavesRecords: true
  },
  { name: 'values', mode: 'values' },
  { name: 'relay', mode: 'relay', flags: { spread: 'net24', n: 2_000, sec: 'noise' } },
  { name: 'subscriptions', mode: 'subscriptions' },
  { name: 'gossip control', mode: 'gossip-control' },
  { name: 'log', mode: 'log', flags: { spread: 'net24', n: 4_000, sec: 'noise' } },
  { name: 'admin', mode: 'admin', needsAdmin: true }
]
