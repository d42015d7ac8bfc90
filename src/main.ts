#!/usr/bin/env node
// The process and nothing else: arguments, signals, exit code.
import './polyfill.ts'
import { BootstrapNode } from './bootstrap-node.ts'
import {
  type Config,
  ConfigError,
  loadConfig,
  readArguments,
  readDotenv,
  usage,
  whyNotWritable
} from './config/index.ts'
import { BootstrapError } from './errors.ts'
import { OpenSteps } from './lifecycle.ts'
import { type Log, openLog } from './observe/logger.ts'
import { type ProfileServer, startProfileServer } from './observe/profiles/server.ts'
import { version } from './version.ts'

/** 0: asked to stop, or done; 1: the node could not start or had to give up; 2: wrong configuration. */
type ExitCode = 0 | 1 | 2

/** Keeps the process alive while a library's stop hangs without a handle: the deadlines of closing alone do not. */
const closeDeadlineMs = 15_000
const logCloseMs = 2_000
const profilesCloseMs = 1_000
const never = new AbortController().signal

/** Under `npm start` one Ctrl-C arrives twice: from the terminal, and passed on by npm. */
const sameKeyPressMs = 250

async function main(): Promise<ExitCode> {
  const args = readArguments(process.argv.slice(2))
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
    whyNotWritable: args.command.name === 'check' ? () => undefined : whyNotWritable
  })
  return args.command.name === 'check' ? check(args.command.address, config) : run(config)
}

/** Dials a node as a client would. For people and for health checks. */
async function check(address: string | undefined, config: Config): Promise<ExitCode> {
  const { check } = await import('./cli/check.ts')
  try {
    process.stdout.write(`OK: ${await check(address, config)}\n`)
    return 0
  } catch (error) {
    process.stderr.write(`FAILED: ${messageOf(error)}\n`)
    return 1
  }
}

async function run(config: Config): Promise<ExitCode> {
  const around = new OpenSteps()
  const log = await around.open(
    'log',
    logCloseMs,
    never,
    () => openLog(config.log),
    (opened) => opened.close()
  )
  const stop = stopRequests(log)
  await around.open(
    'profiles',
    profilesCloseMs,
    never,
    () => openProfiles(config, log),
    (server) => server?.close()
  )
  try {
    return await serve(config, log, stop)
  } finally {
    // a log that cannot be closed cannot say so
    await around.close().catch(() => {})
  }
}

async function serve(config: Config, { logger }: Log, stop: StopRequests): Promise<ExitCode> {
  let node: BootstrapNode
  try {
    node = await BootstrapNode.create(config, { logger, signal: stop.signal })
  } catch (error) {
    if (stop.signal.aborted && error instanceof BootstrapError && error.code === 'ERR_START_ABORTED')
      return stop.exitCode()
    logger.fatal({ ...(error instanceof BootstrapError ? {} : { err: error }) }, messageOf(error))
    return 1
  }
  greet(node, config, { logger })
  await stop.requested

  setTimeout(() => {}, closeDeadlineMs)
  try {
    await node.close()
  } catch (error) {
    logger.error({ err: error }, `Error during shutdown: ${messageOf(error)}`)
  }
  return stop.exitCode()
}

function greet(node: BootstrapNode, config: Config, { logger }: Pick<Log, 'logger'>): void {
  logger.info(`Give this address to other nodes: ${node.address(config.publicIp)}`)
  if (config.privateKey === undefined) {
    logger.warn(
      'PRIVATE_KEY is not set: this identity is new and ends with this process. To keep one, run with --generate-key once and put PRIVATE_KEY=<the key it prints> into .env'
    )
  }
}

interface StopRequests {
  /** Fires with the first signal or uncaught error. */
  readonly signal: AbortSignal
  readonly requested: Promise<void>
  exitCode(): ExitCode
}

/** SIGINT, SIGTERM and SIGHUP stop the node, a second one at once; an uncaught error stops it too, and is never swallowed. */
function stopRequests({ logger }: Log): StopRequests {
  const controller = new AbortController()
  let exitCode: ExitCode = 0
  let firstAtMs = 0
  const onSignal = () => {
    if (controller.signal.aborted) {
      if (performance.now() - firstAtMs > sameKeyPressMs) process.exit(1)
      return
    }
    firstAtMs = performance.now()
    logger.info('Shutting down bootstrap node...')
    controller.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  process.on('SIGHUP', onSignal)
  // Node would open its inspector for anyone on this machine
  process.on('SIGUSR1', () => logger.warn('SIGUSR1 is ignored'))
  process.on('uncaughtException', (err: unknown, origin) => {
    const what = origin === 'unhandledRejection' ? 'unhandled rejection' : 'uncaught error'
    logger.fatal({ err }, `${what}: ${messageOf(err)}`)
    exitCode = 1
    controller.abort()
  })
  const requested = new Promise<void>((resolve) => {
    controller.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  return { signal: controller.signal, requested, exitCode: () => exitCode }
}

/** A node without its profiles is worth more than none. */
async function openProfiles(config: Config, { logger }: Log): Promise<ProfileServer | undefined> {
  if (config.profiles === undefined) return undefined
  try {
    const server = await startProfileServer({ host: config.profiles.address, port: config.profiles.port, logger })
    logger.info(`Profiling server on http://${server.address}/debug/pprof/`)
    return server
  } catch (error) {
    logger.error(messageOf(error))
    return undefined
  }
}

/** With the system's own code for what went wrong, if there is one below. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = (error.cause ?? {}) as NodeJS.ErrnoException
  return typeof code === 'string' ? `${error.message} (${code})` : error.message
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? messageOf(error) : (error as Error).stack}\n`)
  process.exitCode = error instanceof ConfigError ? 2 : 1
}
// whatever a library left open (timers, sockets of abandoned steps) does not keep a stopped node alive
process.exit()
