import type { Readings } from '../readings.ts'

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A metric that costs nothing until it is asked for: the rooms count anyway. */
export interface Row {
  readonly name: string
  readonly help: string
  readonly kind: 'gauge' | 'counter'
  readonly labels: readonly string[]
  readonly read: (from: Readings) => readonly Sample[]
}

type Counts = Readonly<Record<string, number>>
type Value = number | undefined

function gauge(name: string, help: string, read: (from: Readings) => Value): Row {
  return { name, help, kind: 'gauge', labels: [], read: (from) => single(read(from)) }
}

/** @param label of which each value in the result is a sample */
function gauges(name: string, help: string, label: string, read: (from: Readings) => Counts): Row {
  return { name, help, kind: 'gauge', labels: [label], read: (from) => labelled(label, read(from)) }
}

function counter(name: string, help: string, read: (from: Readings) => Value): Row {
  return { name, help, kind: 'counter', labels: [], read: (from) => single(read(from)) }
}

function counters(name: string, help: string, label: string, read: (from: Readings) => Counts): Row {
  return { name, help, kind: 'counter', labels: [label], read: (from) => labelled(label, read(from)) }
}

function single(value: Value): Sample[] {
  return value === undefined ? [] : [{ labels: {}, value }]
}

function labelled(label: string, counts: Counts): Sample[] {
  return Object.entries(counts).map(([name, value]) => ({ labels: { [label]: withDashes(name) }, value }))
}

/** Reasons of the code that are names of fields, as the others are written. */
function withDashes(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** What a node shows of itself, in the order of docs/metrics.md. */
export const catalog: readonly Row[] = [
  {
    name: 'bootstrap_connections',
    help: 'Open connections',
    kind: 'gauge',
    labels: ['direction', 'security', 'muxer'],
    read: ({ admission }) =>
      Array.from(admission.index.kinds.all, ({ direction, security, muxer, open }) => ({
        labels: { direction, security, muxer },
        value: open
      }))
  },
  gauges(
    'bootstrap_connections_limit',
    'Connections at which trimming ends (low_water), begins (high_water), and nobody is let in unless another is closed (cap)',
    'mark',
    ({ admission: { limits } }) => ({
      low_water: limits.lowWater,
      high_water: limits.highWater,
      cap: limits.maxConnections
    })
  ),
  gauge(
    'bootstrap_connected_peers',
    'Peers with at least one connection',
    ({ admission }) => admission.index.connectedPeers
  ),
  gauge(
    'bootstrap_strangers',
    'Connections of peers that have neither said who they are nor asked for anything',
    ({ admission }) => admission.index.strangers.size
  ),
  gauge(
    'bootstrap_handshakes_pending',
    'Inbound connections that were let in and are not open yet',
    ({ admission }) => admission.handshakes
  ),
  counters('bootstrap_connections_opened_total', 'Connections that were opened', 'direction', (from) => {
    const opened = { inbound: 0, outbound: 0 }
    for (const kind of from.admission.index.kinds.all) opened[kind.direction] += kind.opened
    return opened
  }),
  counters(
    'bootstrap_connections_closed_total',
    'Connections that were closed, by reason; those whose reason the libraries keep to themselves are unknown',
    'reason',
    (from) => ({ ...from.endings?.connections.snapshot(), unknown: closedForUnknownReason(from) })
  ),
  counters(
    'bootstrap_refusals_total',
    'Inbound connections that were not let in',
    'reason',
    ({ admission }) => admission.refusals
  ),
  counters(
    'bootstrap_evictions_total',
    'Connections that this node closed to make room',
    'reason',
    ({ admission }) => admission.evictions
  ),
  counters(
    'bootstrap_handshake_failures_total',
    'Inbound connections that were let in and never opened',
    'reason',
    ({ endings }) => endings?.handshakes.snapshot() ?? {}
  ),
  counters(
    'bootstrap_handshake_waits_total',
    'How often the first who waits from an address or network was passed over, as its rate of handshakes was used up',
    'reason',
    ({ admission }) => admission.waits
  ),
  counter(
    'bootstrap_tls_declined_total',
    'How often a peer that proposed TLS was left to propose Noise',
    ({ admission }) => admission.tlsDeclined
  ),
  gauge('bootstrap_provider_keys', 'Keys that somebody provides', ({ rendezvous }) => rendezvous.book.keys),
  gauge('bootstrap_provider_records', 'Provider records', ({ rendezvous }) => rendezvous.book.records),
  gauge(
    'bootstrap_provider_bytes',
    'Estimated memory of the provider records, with their keys and addresses',
    ({ rendezvous }) => rendezvous.book.bytes
  ),
  counters(
    'bootstrap_provider_evictions_total',
    'Provider records that made room for others before their end',
    'reason',
    ({ rendezvous }) => rendezvous.book.evictions
  ),
  gauge(
    'bootstrap_contacts',
    'Peers that are connected or provide a key',
    ({ rendezvous }) => rendezvous.contacts.size
  ),
  gauge(
    'bootstrap_peerstore_peers',
    'Peers in the peer store of libp2p, this node included',
    ({ peers }) => peers.peerCount
  ),
  gauge(
    'bootstrap_routing_table_peers',
    'DHT servers in the routing table',
    ({ rendezvous }) => rendezvous.routingTableSize
  ),
  gauge(
    'bootstrap_relay_reservations',
    'Peers that can be reached through this node',
    ({ relay }) => relay?.reservations.size
  ),
  gauge(
    'bootstrap_relay_circuits',
    'Connections between others that this node carries',
    ({ relay }) => relay?.circuitCount.circuits
  ),
  gauge(
    'bootstrap_gossipsub_streams',
    'Streams of gossipsub that end unread, as long as this node joins no topic',
    ({ pubsub }) => pubsub.gate.sunk
  ),
  gauge('bootstrap_gossipsub_peers', 'Peers that gossipsub knows', ({ pubsub }) => pubsub.getPeers().length),
  gauge('bootstrap_gossipsub_topics', 'Topics that this node has joined', ({ pubsub }) => pubsub.getTopics().length),
  gauge(
    'bootstrap_federation_members',
    'Other bootstrap nodes in BOOTSTRAP_PEERS',
    ({ federation }) => federation.members
  ),
  gauge('bootstrap_federation_connected', 'Those of them that are connected', ({ federation }) =>
    federation.connected()
  ),
  gauge(
    'bootstrap_state_pending_changes',
    'Changes that are not in DATA_DIR yet; no sample without one',
    (from) => from.state()?.pending
  ),
  gauge('bootstrap_state_ok', '1: DATA_DIR takes what is written; 0: it does not; no sample without one', (from) => {
    const health = from.state()
    return health === undefined ? undefined : Number(health.problem === undefined)
  })
]

/** Connections that the libraries carry: all that this node has dialled, and inbound ones too on the stock stack. */
function closedForUnknownReason({ admission, endings }: Readings): number {
  let closed = 0
  for (const { direction, opened, open } of admission.index.kinds.all) {
    if (direction === 'outbound' || endings === undefined) closed += opened - open
  }
  return closed
}
