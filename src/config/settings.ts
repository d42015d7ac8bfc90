import { KEY_FORMS, parsePrivateKey, type RawEd25519Key } from '../identity/key-formats.ts'
import * as values from './values.ts'

/**
 * One row a setting, and the one place where a setting is described: the reader, `--help`, the error report and the
 * table in the README are made from it.
 */
export interface Setting<T> extends values.ValueKind<T> {
  /** Command-line flag without the dashes. Secrets have none: a process list is public. */
  readonly flag?: string
  /** As an operator would write it; undefined: unset. */
  readonly fallback?: string | undefined
  readonly meaning: string
  readonly secret?: true
}

const privateKey: values.ValueKind<RawEd25519Key> = {
  allowed: KEY_FORMS,
  schema: values.path.schema.transform((text, context) => {
    const key = parsePrivateKey(text)
    if (!('problem' in key)) return key
    context.issues.push({ code: 'custom', input: '', message: key.problem })
    return new Uint8Array()
  })
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const

function setting<T, F extends string | undefined = undefined>(
  kind: values.ValueKind<T>,
  row: Omit<Setting<T>, keyof values.ValueKind<T> | 'fallback'> & { readonly fallback?: F }
): Setting<T> & { readonly fallback: F } {
  return { ...kind, ...row, fallback: row.fallback as F }
}

export const settings = {
  PRIVATE_KEY: setting(privateKey, {
    secret: true,
    meaning:
      'the Ed25519 key that is the identity of the node; unset: the one kept in `DATA_DIR`, else a new identity at each start'
  }),
  DATA_DIR: setting(values.directory, {
    flag: 'data-dir',
    meaning:
      'where identity, provider records and peers outlive a restart; made where it is missing, for one node alone; unset: nothing does'
  }),
  BOOTSTRAP_PORT: setting(values.port, { flag: 'port', fallback: '4001', meaning: 'TCP port of the node' }),
  LISTEN_ADDRESS: setting(values.ipAddresses, {
    flag: 'listen-address',
    fallback: '0.0.0.0',
    meaning:
      'where to listen; `0.0.0.0` is every IPv4 address of the machine, `::` every IPv6 address, `0.0.0.0,::` both'
  }),
  PUBLIC_IP: setting(values.dialableIp, {
    flag: 'public-ip',
    meaning: 'announced with the port, in addition to the listen addresses'
  }),
  BOOTSTRAP_PEERS: setting(values.words, {
    flag: 'bootstrap-peers',
    meaning:
      'other bootstrap nodes, to which this one keeps connected and which its answers name; this node itself may be among them'
  }),
  CONN_MANAGER_LOW_WATER: setting(values.integer(0, 1_000_000), {
    flag: 'conn-manager-low-water',
    fallback: '20000',
    meaning: 'connections that trimming leaves'
  }),
  CONN_MANAGER_HIGH_WATER: setting(values.integer(1, 1_000_000), {
    flag: 'conn-manager-high-water',
    fallback: '50000',
    meaning: 'connections above which trimming starts; the hard limit is this + 100'
  }),
  CONN_MANAGER_GRACE_PERIOD: setting(values.integer(0, 86_400, 'seconds'), {
    flag: 'conn-manager-grace-period',
    fallback: '60',
    meaning: 'age in seconds below which a connection is not trimmed'
  }),
  CONN_MANAGER_MAX_PER_PEER: setting(values.integer(1, 1000), {
    flag: 'conn-manager-max-per-peer',
    fallback: '8',
    meaning: 'connections of one peer; above it its oldest idle one is closed'
  }),
  LIMIT_CONNECTIONS_PER_ADDRESS: setting(values.integerOrAuto(0, 1_000_000), {
    flag: 'limit-connections-per-address',
    fallback: 'auto',
    meaning:
      'connections of one address (/32 of IPv4, /64 of IPv6); above it a newcomer takes the place of the worst of them; 0: no limit; `auto`: as many as there are places left, at least a tenth of all places, at most 1,000'
  }),
  LIMIT_CONNECTIONS_PER_NETWORK: setting(values.integerOrAuto(0, 1_000_000), {
    flag: 'limit-connections-per-network',
    fallback: 'auto',
    meaning: 'the same for a network (/24, /48); `auto`: at least a fifth, at most 2,000'
  }),
  LIMIT_HANDSHAKES_PER_ADDRESS: setting(values.integer(0, 100_000), {
    flag: 'limit-handshakes-per-address',
    fallback: '100',
    meaning:
      'handshakes a second of one address; those of 20 s may come at once, and what is above it waits; 0: no limit'
  }),
  LIMIT_HANDSHAKES_PER_NETWORK: setting(values.integer(0, 100_000), {
    flag: 'limit-handshakes-per-network',
    fallback: '200',
    meaning: 'the same for a network (/24, /48)'
  }),
  LIMIT_EXEMPT_NETWORKS: setting(values.networks, {
    flag: 'limit-exempt-networks',
    fallback: 'private',
    meaning:
      'networks without these four limits, and without the bound of what one network provides; `private` is loopback and all private ranges, where one address may be the gateway of all clients'
  }),
  CONNECTION_STACK: setting(values.oneOf('lean', 'stock'), {
    flag: 'connection-stack',
    fallback: 'lean',
    meaning:
      'who makes inbound connections: this node (`lean`), or the libp2p libraries (`stock`) at several times the cost'
  }),
  ENABLE_RELAY_SERVICE: setting(values.boolean, {
    flag: 'enable-relay-service',
    fallback: 'true',
    meaning: 'offer circuit relay v2 to peers without a public address'
  }),
  RELAY_MAX_RESERVATIONS: setting(values.integer(0, 100_000), {
    flag: 'relay-max-reservations',
    fallback: '128',
    meaning: 'relay reservations in all'
  }),
  RELAY_MAX_RESERVATIONS_PER_IP: setting(values.integer(0, 100_000), {
    flag: 'relay-max-reservations-per-ip',
    fallback: '8',
    meaning: 'relay reservations for one address (/32 of IPv4, /64 of IPv6)'
  }),
  RELAY_MAX_CIRCUITS: setting(values.integer(0, 10_000), {
    flag: 'relay-max-circuits',
    fallback: '16',
    meaning: 'open relayed connections for each peer'
  }),
  PROVIDER_MAX_RECORDS: setting(values.integer(1, 10_000_000), {
    flag: 'provider-max-records',
    fallback: '400000',
    meaning: 'provider records in all; above it those of peers that left make room first'
  }),
  PROVIDER_MAX_PER_KEY: setting(values.integer(1, 10_000_000), {
    flag: 'provider-max-per-key',
    fallback: '100000',
    meaning: 'providers of one key'
  }),
  PROVIDER_MAX_PER_PEER: setting(values.integer(1, 100_000), {
    flag: 'provider-max-per-peer',
    fallback: '1000',
    meaning: 'keys that one peer provides; above it its own oldest makes room'
  }),
  PROVIDER_MAX_MB: setting(values.integer(1, 100_000, 'MB'), {
    flag: 'provider-max-mb',
    fallback: '256',
    meaning: 'memory of all provider records, with their keys and addresses'
  }),
  GOSSIPSUB_SNAPSHOT_SUBMISSION_PREFIX: setting(values.topicPrefix, {
    flag: 'gossipsub-snapshot-submission-prefix',
    fallback: '/powerloom/snapshot-submissions',
    meaning: "prefix of the network's two topics, for the peer score"
  }),
  LOG_LEVEL: setting(values.oneOf(...logLevels), {
    flag: 'log-level',
    fallback: 'info',
    meaning: "level of the node's own log; it can be changed while the node runs"
  }),
  LOG_FORMAT: setting(values.oneOf('text', 'json'), {
    flag: 'log-format',
    fallback: 'text',
    meaning: 'lines for people (`text`), or an object a line with the same messages (`json`), in LOG_FILE too'
  }),
  LIBP2P_LOGGING: setting(values.oneOf(...logLevels), {
    flag: 'libp2p-logging',
    fallback: 'info',
    meaning: 'log level of the libp2p libraries; they have nothing to say above `debug`'
  }),
  LOG_PEER_CONNECTIONS: setting(values.boolean, {
    flag: 'log-peer-connections',
    fallback: 'false',
    meaning: 'log every connect and disconnect of a peer at `info`; else at `debug`'
  }),
  LOG_FILE: setting(values.path, { flag: 'log-file', meaning: 'also log to this file, which is rotated' }),
  LOG_MAX_SIZE_MB: setting(values.integer(1, 100_000, 'MB'), {
    flag: 'log-max-size-mb',
    fallback: '100',
    meaning: 'size at which the log file is rotated'
  }),
  LOG_MAX_BACKUPS: setting(values.integer(0, 10_000), {
    flag: 'log-max-backups',
    fallback: '5',
    meaning: 'rotated files that are kept; 0: all'
  }),
  LOG_MAX_AGE_DAYS: setting(values.integer(0, 36_500, 'days'), {
    flag: 'log-max-age-days',
    fallback: '30',
    meaning: 'age at which a rotated file is deleted; 0: never'
  }),
  LOG_COMPRESS: setting(values.boolean, {
    flag: 'log-compress',
    fallback: 'false',
    meaning: 'compress rotated files with gzip'
  }),
  ADMIN_PORT: setting(values.integer(0, 65_535), {
    flag: 'admin-port',
    fallback: '6061',
    meaning: 'port of the admin server: status page, metrics, health; 0: no admin server'
  }),
  ADMIN_ADDRESS: setting(values.ipAddress, {
    flag: 'admin-address',
    fallback: '127.0.0.1',
    meaning: 'address of the admin server'
  }),
  ADMIN_ALLOW_REMOTE: setting(values.boolean, {
    flag: 'admin-allow-remote',
    fallback: 'false',
    meaning:
      'let ADMIN_ADDRESS and PPROF_ADDRESS be addresses that the world may reach (public ones and wildcards); neither server asks for a password'
  }),
  PPROF_PORT: setting(values.port, {
    flag: 'pprof-port',
    meaning: 'port of the profiling server; unset: no profiling server'
  }),
  PPROF_ADDRESS: setting(values.ipAddress, {
    flag: 'pprof-address',
    fallback: '127.0.0.1',
    meaning: 'address of the profiling server; anyone who reaches it can read memory and slow the node down'
  })
} as const

export type Variable = keyof typeof settings

/** The values of all settings; one without a fallback may be undefined. */
export type Values = {
  [V in Variable]: (typeof settings)[V] extends Setting<infer T> & { readonly fallback: infer F }
    ? F extends string
      ? T
      : T | undefined
    : never
}
