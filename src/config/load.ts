import { isIPv6 } from 'node:net'
import type { ZodSafeParseResult } from 'zod'
import { redact } from '../identity/redact.ts'
import { isPublic } from '../peers/ip-kind.ts'
import type { Arguments } from './arguments.ts'
import type { Config } from './config.ts'
import type { Dotenv } from './preflight.ts'
import { type Setting, settings, type Values, type Variable } from './settings.ts'

/** One thing that is wrong with the configuration. */
export interface ConfigProblem {
  /** The variable, or what was wrong with the command line. */
  readonly subject: string
  /** As it was given; `<hidden>` for a secret. */
  readonly value?: string
  readonly problem: string
}

/** All that is wrong, so that one start is enough to learn it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'

  constructor(readonly problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ subject, value, problem }) =>
      redact(value === undefined ? `  ${subject}: ${problem}` : `  ${subject}=${value}: ${problem}`)
    )
    super(`the configuration has ${problems.length} problem${problems.length === 1 ? '' : 's'}\n${lines.join('\n')}`)
  }
}

export interface Sources {
  readonly arguments: Pick<Arguments, 'flags' | 'problems'>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** What a `.env` file in the working directory holds. */
  readonly dotenv: Dotenv
  /** Why a file cannot be appended to; undefined: it can. */
  readonly whyNotWritable: (path: string) => string | undefined
}

/**
 * Flag > environment > `.env` > default. An empty text counts as unset, as compose files pass unset variables on.
 *
 * @throws ConfigError with every problem found
 */
export function loadConfig(sources: Sources): Config {
  const problems: ConfigProblem[] = sources.arguments.problems.map((problem) => ({ subject: 'command line', problem }))
  if (sources.dotenv.problem !== undefined) problems.push({ subject: '.env', problem: sources.dotenv.problem })
  const values = Object.fromEntries(
    (Object.keys(settings) as Variable[]).map((variable) => [variable, readValue(variable, sources, problems)])
  ) as Partial<Values>
  checkTogether(values, problems)
  checkLogFile(values.LOG_FILE, sources, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  return toConfig(values as Values)
}

/**
 * The configuration that an environment gives, for embedders: without flags, a `.env` file or a look at LOG_FILE.
 *
 * @throws ConfigError with every problem found
 */
export function configFrom(environment: Readonly<Record<string, string | undefined>>): Config {
  return loadConfig({
    arguments: { flags: new Map(), problems: [] },
    environment,
    dotenv: { values: {} },
    whyNotWritable: () => undefined
  })
}

function readValue(variable: Variable, sources: Sources, problems: ConfigProblem[]): unknown {
  const row: Setting<unknown> = settings[variable]
  const given = [sources.arguments.flags.get(variable), sources.environment[variable], sources.dotenv.values[variable]]
  const text = given.find((candidate) => candidate !== undefined && candidate.trim() !== '') ?? row.fallback
  if (text === undefined) return undefined

  const result: ZodSafeParseResult<unknown> = row.schema.safeParse(text)
  if (result.success) return result.data
  const detail = row.secret === true ? `${result.error.issues[0]?.message}; ` : ''
  problems.push({
    subject: variable,
    value: row.secret === true ? '<hidden>' : JSON.stringify(text),
    problem: `${detail}allowed is ${row.allowed}`
  })
  return undefined
}

/** A value that is missing here has its own problem in the list already. */
function checkTogether(values: Partial<Values>, problems: ConfigProblem[]): void {
  const { CONN_MANAGER_LOW_WATER: low, CONN_MANAGER_HIGH_WATER: high } = values
  if (low !== undefined && high !== undefined && low > high) {
    problems.push({
      subject: 'CONN_MANAGER_LOW_WATER',
      value: String(low),
      problem: `it is above CONN_MANAGER_HIGH_WATER=${high}; allowed is at most that`
    })
  }
  const addresses = values.LISTEN_ADDRESS ?? []
  const overlaps = addresses.some((one, at) =>
    addresses.some((other, i) => i !== at && (one === other || (isWildcard(one) && isIPv6(one) === isIPv6(other))))
  )
  if (overlaps) {
    problems.push({
      subject: 'LISTEN_ADDRESS',
      value: JSON.stringify(addresses.join(',')),
      problem: 'two of its addresses overlap; allowed are addresses of which none includes another'
    })
  }
  checkPorts(values, problems)
  checkOperatorAddresses(values, problems)
}

/** Two of this node's servers on one port would keep one of them from running. */
function checkPorts(values: Partial<Values>, problems: ConfigProblem[]): void {
  const variables = ['BOOTSTRAP_PORT', 'ADMIN_PORT', 'PPROF_PORT'] as const
  for (const [i, variable] of variables.entries()) {
    const port = values[variable]
    const taken = variables.slice(0, i).find((other) => values[other] === port)
    if (port === undefined || port === 0 || taken === undefined) continue
    const of = taken === 'BOOTSTRAP_PORT' ? 'the node itself (BOOTSTRAP_PORT)' : `another server of the node (${taken})`
    problems.push({
      subject: variable,
      value: String(port),
      problem: `it is the port of ${of}; allowed is another port`
    })
  }
}

/** Who reaches these servers learns who is connected, can read memory and slow the node down. */
function checkOperatorAddresses(values: Partial<Values>, problems: ConfigProblem[]): void {
  if (values.ADMIN_ALLOW_REMOTE !== false) return
  const inUse = { ADMIN_ADDRESS: values.ADMIN_PORT !== 0, PPROF_ADDRESS: values.PPROF_PORT !== undefined }
  for (const subject of ['ADMIN_ADDRESS', 'PPROF_ADDRESS'] as const) {
    const address = values[subject]
    if (!inUse[subject] || address === undefined || !isPublic(address)) continue
    problems.push({
      subject,
      value: JSON.stringify(address),
      problem:
        'the world may reach it; allowed is an address of this machine or of a private network, or set ADMIN_ALLOW_REMOTE=true'
    })
  }
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

function checkLogFile(path: string | undefined, { whyNotWritable }: Sources, problems: ConfigProblem[]): void {
  const reason = path === undefined ? undefined : whyNotWritable(path)
  if (reason === undefined) return
  problems.push({
    subject: 'LOG_FILE',
    value: JSON.stringify(path),
    problem: `${reason}; allowed is ${settings.LOG_FILE.allowed}`
  })
}

function toConfig(values: Values): Config {
  return deepFreeze({
    privateKey: values.PRIVATE_KEY,
    dataDir: values.DATA_DIR,
    port: values.BOOTSTRAP_PORT,
    listenAddresses: values.LISTEN_ADDRESS,
    publicIp: values.PUBLIC_IP,
    bootstrapPeers: values.BOOTSTRAP_PEERS ?? [],
    connections: {
      lowWater: values.CONN_MANAGER_LOW_WATER,
      highWater: values.CONN_MANAGER_HIGH_WATER,
      gracePeriodMs: values.CONN_MANAGER_GRACE_PERIOD * 1000,
      maxPerPeer: values.CONN_MANAGER_MAX_PER_PEER
    },
    prefixes: {
      exempt: values.LIMIT_EXEMPT_NETWORKS,
      maxPerAddress: values.LIMIT_CONNECTIONS_PER_ADDRESS,
      maxPerNetwork: values.LIMIT_CONNECTIONS_PER_NETWORK,
      handshakes: {
        perAddress: values.LIMIT_HANDSHAKES_PER_ADDRESS,
        perNetwork: values.LIMIT_HANDSHAKES_PER_NETWORK
      }
    },
    connectionStack: values.CONNECTION_STACK,
    relay: values.ENABLE_RELAY_SERVICE
      ? {
          maxReservations: values.RELAY_MAX_RESERVATIONS,
          maxReservationsPerIp: values.RELAY_MAX_RESERVATIONS_PER_IP,
          maxCircuitsPerPeer: values.RELAY_MAX_CIRCUITS
        }
      : undefined,
    providers: {
      maxRecords: values.PROVIDER_MAX_RECORDS,
      maxPerKey: values.PROVIDER_MAX_PER_KEY,
      maxPerPeer: values.PROVIDER_MAX_PER_PEER,
      maxBytes: values.PROVIDER_MAX_MB * 1_000_000
    },
    gossipsubTopicPrefix: values.GOSSIPSUB_SNAPSHOT_SUBMISSION_PREFIX,
    log: {
      level: values.LOG_LEVEL,
      format: values.LOG_FORMAT,
      libp2pLevel: values.LIBP2P_LOGGING,
      peerConnections: values.LOG_PEER_CONNECTIONS,
      file:
        values.LOG_FILE === undefined
          ? undefined
          : {
              path: values.LOG_FILE,
              maxSizeMb: values.LOG_MAX_SIZE_MB,
              maxBackups: values.LOG_MAX_BACKUPS,
              maxAgeDays: values.LOG_MAX_AGE_DAYS,
              compress: values.LOG_COMPRESS
            }
    },
    admin: values.ADMIN_PORT === 0 ? undefined : { address: values.ADMIN_ADDRESS, port: values.ADMIN_PORT },
    profiles: values.PPROF_PORT === undefined ? undefined : { address: values.PPROF_ADDRESS, port: values.PPROF_PORT }
  })
}

/** Typed arrays cannot be frozen; the private key is the only one and is never written to. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}
