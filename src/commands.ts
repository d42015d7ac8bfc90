// What the process can be asked to do.
import './polyfill.ts'
import { BootstrapNode, type NodeParts } from './bootstrap-node.ts'
import { examine } from './cli/doctor/checks.ts'
import { gather } from './cli/doctor/gather.ts'
import { systemClock } from './clock.ts'
import {
  type Command,
  type Config,
  loadConfig,
  readArguments,
  readDotenv,
  usage,
  whyNotWritable
} from './config/index.ts'
import type { Ports } from './connection/lean/ports.ts'
import { BootstrapError, messageOf } from './errors.ts'
import { OpenSteps } from './lifecycle.ts'
import { startGiveBack } from './memory/give-back.ts'
import { memoryReader } from './memory/reading.ts'
import { type Log, openLog } from './observe/logger.ts'
import { RecentWarnings } from './observe/status-page/warnings.ts'
import { openAdmin, openMetrics, openProfiles } from './operator-servers.ts'
import { type ExitCode, hasTerminal, type StopRequests } from './stop-requests.ts'
import { NotifyRelay } from './systemd/notify-relay.ts'
import { ServiceReports } from './systemd/service-reports.ts'
import { supervisionOf } from './systemd/supervision.ts'
import { version } from './version.ts'

/** Keeps the process alive while a library's stop hangs without a handle: the deadlines of closing alone do not. */
const closeDeadlineMs = 15_000
const logCloseMs = 2_000
const profilesCloseMs = 1_000
const adminCloseMs = 1_000
const relayCloseMs = 100
const never = new AbortController().signal

/**
 * Does what the arguments say.
 *
 * @throws ConfigError
 */
export async function main(argv: readonly string[], stop: StopRequests, ports: Ports): Promise<ExitCode> {
  const args = readArguments(argv)
  switch (args.problems.length === 0 ? args.command.name : 'run') {
    case 'help':
      process.stdout.write(usage())
      return 0
    case 'version':
      process.stdout.write(`${version}\n`)
      return 0
    case 'generate-key': {
      const { generatedKey } = await import('./cli/generate-key.ts')
      process.stdout.write(await generatedKey())
      return 0
    }
  }
  const config = loadConfig({
    arguments: args,
    environment: process.env,
    dotenv: readDotenv('.env'),
    // a check leaves nothing behind, and does not need the log
    whyNotWritable: args.command.name === 'run' ? whyNotWritable : () => undefined
  })
  switch (args.command.name) {
    case 'check':
      return check(args.command, config, stop)
    case 'doctor':
      return doctor(args.command, config, stop)
    default:
      return run(config, stop, ports)
  }
}

type CommandOf<N extends Command['name']> = Extract<Command, { name: N }>

/** Goes a client's way to a node. For people and for health checks. */
async function check({ address, json }: CommandOf<'check'>, config: Config, stop: StopRequests): Promise<ExitCode> {
  stop.signal.addEventListener('abort', () => process.exit(1))
  const { check } = await import('./cli/check/check.ts')
  const { checkJson, stepLines, verdict } = await import('./cli/check/print.ts')
  try {
    const report = await check(address, config, systemClock)
    process.stdout.write(json ? checkJson(report) : stepLines(report))
    if (!json) (report.ok ? process.stdout : process.stderr).write(verdict(report))
    return report.ok ? 0 : 1
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'BadAddressError') throw error
    if (json) process.stdout.write(`${JSON.stringify({ ok: false, address, problem: error.message })}\n`)
    else process.stderr.write(`FAILED: ${error.message}\n`)
    return 2
  }
}

/** Says whether this machine fits the configuration. */
async function doctor({ json }: CommandOf<'doctor'>, config: Config, stop: StopRequests): Promise<ExitCode> {
  stop.signal.addEventListener('abort', () => process.exit(1))
  const { doctor, findingLines, findingsJson, isHealthy } = await import('./cli/doctor/doctor.ts')
  const findings = await doctor(config, systemClock)
  process.stdout.write(json ? findingsJson(findings) : findingLines(findings))
  return isHealthy(findings) ? 0 : 1
}

/** The checks of `doctor` that wait for nobody; the port is open already, and clients may be waiting in it. */
function warnOfMachine(config: Config, { logger }: Log): void {
  for (const { name, level, value, advice } of examine(gather(config, systemClock), config)) {
    if (level !== 'ok') logger.warn(`${name}: ${value}: ${advice}`)
  }
}

async function run(config: Config, stop: StopRequests, ports: Ports): Promise<ExitCode> {
  const around = new OpenSteps()
  const warnings = new RecentWarnings()
  const log = await around.open(
    'log',
    logCloseMs,
    never,
    () => openLog(config.log, [{ stream: warnings, level: 'warn' }]),
    (opened) => opened.close()
  )
  stop.logTo(log.logger)
  heedOperator(config, log)
  warnOfMachine(config, log)
  const reports = await openReports(around, log)
  await around.open(
    'profiles',
    profilesCloseMs,
    never,
    () => openProfiles(config, log),
    (server) => server?.close()
  )
  const metrics = await around.open(
    'metrics',
    adminCloseMs,
    never,
    () => openMetrics(config, log),
    (opened) => opened?.stop()
  )
  let node: BootstrapNode | undefined
  const phase = () => (stop.signal.aborted ? 'stopping' : node === undefined ? 'starting' : 'running')
  await around.open(
    'admin',
    adminCloseMs,
    never,
    () => openAdmin(config, log, { phase, metrics, warnings, node: () => node }),
    (server) => server?.close()
  )
  try {
    return await serve(config, log, stop, { ports, ...(metrics && { timings: metrics.timings }) }, (started) => {
      node = started
      metrics?.watch(started.readings())
      reports?.ready({
        connected: () => started.status().connected,
        isListening: () => started.libp2p.getMultiaddrs().length > 0
      })
      stop.signal.addEventListener('abort', () => reports?.stopping())
    })
  } finally {
    // a log that cannot be closed cannot say so
    await around.close().catch(() => {})
  }
}

async function serve(
  config: Config,
  { logger, libraries }: Log,
  stop: StopRequests,
  parts: Pick<NodeParts, 'ports' | 'timings'>,
  onStarted: (node: BootstrapNode) => void
): Promise<ExitCode> {
  let node: BootstrapNode
  try {
    node = await BootstrapNode.create(config, { logger, libp2pLogger: libraries, signal: stop.signal, ...parts })
  } catch (error) {
    if (stop.signal.aborted && error instanceof BootstrapError && error.code === 'ERR_START_ABORTED')
      return stop.exitCode
    logger.fatal({ ...(error instanceof BootstrapError ? {} : { err: error }) }, messageOf(error))
    return 1
  }
  onStarted(node)
  greet(node, config, { logger })
  const admission = node.libp2p.services.connectionManager
  const endGiveBack = startGiveBack({ read: memoryReader(() => admission.total), clock: systemClock, logger })
  await stop.requested()
  endGiveBack()

  setTimeout(() => {}, closeDeadlineMs)
  try {
    await node.close()
  } catch (error) {
    logger.error({ err: error }, `Error during shutdown: ${messageOf(error)}`)
  }
  return stop.exitCode
}

function greet(node: BootstrapNode, config: Config, { logger }: Pick<Log, 'logger'>): void {
  logger.info(`Give this address to other nodes: ${node.address(config.publicIp)}`)
  if (config.privateKey === undefined && config.dataDir === undefined) {
    logger.warn(
      'PRIVATE_KEY is not set: this identity is new and ends with this process. To keep one, set DATA_DIR, or run with --generate-key once and put PRIVATE_KEY=<the key it prints> into .env'
    )
  }
}

/** SIGUSR2: more in the log, or less again; SIGHUP, without a terminal: LOG_FILE was moved away. */
function heedOperator(config: Config, { logger, levels, reopenFile }: Log): void {
  process.on('SIGUSR2', () => levels.cycle())
  if (hasTerminal()) return
  process.on('SIGHUP', () => {
    reopenFile()
    logger.info(config.log.file === undefined ? 'SIGHUP is ignored: there is no LOG_FILE' : 'LOG_FILE is opened anew')
  })
}

/** What systemd is told of this service; nothing where it does not ask. */
async function openReports(around: OpenSteps, { logger }: Log): Promise<ServiceReports | undefined> {
  const supervision = supervisionOf(process.env, process.pid)
  if (supervision === undefined) return undefined
  const relay = await around.open(
    'service manager',
    relayCloseMs,
    never,
    () => new NotifyRelay(logger),
    (opened) => opened.close()
  )
  return new ServiceReports({
    supervision,
    notify: (assignment) => relay.notify(assignment),
    clock: systemClock,
    logger
  })
}
