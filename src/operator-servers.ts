// The servers that operators ask: loaded only where they are wanted.
import type { BootstrapNode } from './bootstrap-node.ts'
import { systemClock } from './clock.ts'
import type { Config } from './config/index.ts'
import { messageOf } from './errors.ts'
import type { Phase, ReadinessProbe } from './observe/admin/health.ts'
import type { HttpServer } from './observe/http/server.ts'
import type { Log, Logger } from './observe/logger.ts'
import type { Metrics } from './observe/metrics/metrics.ts'
import type { StatusPage } from './observe/status-page/page.ts'
import type { RecentWarnings } from './observe/status-page/warnings.ts'
import { MessageType } from './rendezvous/wire.ts'
import { version } from './version.ts'

/** A node without its profiles is worth more than none. */
export async function openProfiles(config: Config, { logger }: Log): Promise<HttpServer | undefined> {
  if (config.profiles === undefined) return undefined
  try {
    // only where it is wanted: HTTP, the inspector and the profiler take 10 MB
    const { startProfileServer } = await import('./observe/profiles/server.ts')
    const server = await startProfileServer({ host: config.profiles.address, port: config.profiles.port, logger })
    logger.info(`Profiling server on http://${server.address}/debug/pprof/`)
    return server
  } catch (error) {
    logger.error(messageOf(error))
    return undefined
  }
}

/** Only where somebody can ask for them: an empty node does without what they take. */
export async function openMetrics(config: Config, log: Log): Promise<Metrics | undefined> {
  if (config.admin === undefined) return undefined
  const { Metrics } = await import('./observe/metrics/metrics.ts')
  const linesLeftOut = () => log.linesLeftOut
  return new Metrics({
    version,
    stack: config.connectionStack,
    linesLeftOut,
    rpcTypes: MessageType
  })
}

/** What an operator is shown. */
export interface Shown {
  readonly phase: () => Phase
  readonly metrics: Metrics | undefined
  readonly warnings: RecentWarnings
  readonly node: () => BootstrapNode | undefined
}

/** A node that nobody can look at is worth more than none. */
export async function openAdmin(
  config: Config,
  { logger, levels }: Log,
  shown: Shown
): Promise<HttpServer | undefined> {
  if (config.admin === undefined) return undefined
  const { phase, metrics } = shown
  try {
    const { healthRoutes, startAdminServer } = await import('./observe/admin/server.ts')
    const { ReadinessProbe } = await import('./observe/admin/health.ts')
    const probe = async () => (await import('./cli/check/probe.ts')).probe(config)
    const readiness = new ReadinessProbe(systemClock, phase, probe)
    const { logLevelRoute } = await import('./observe/admin/log-level.ts')
    const routes = new Map([...healthRoutes(readiness, () => process.uptime()), logLevelRoute(levels)])
    if (metrics !== undefined) {
      const { metricsRoute } = await import('./observe/metrics/metrics.ts')
      routes.set(...metricsRoute(metrics))
    }
    const page = await openStatusPage(config, logger, readiness, shown)
    for (const [path, route] of page?.routes ?? []) routes.set(path, route)
    const server = await startAdminServer({ host: config.admin.address, port: config.admin.port, logger, routes })
    logger.info(`Admin server on http://${server.address}/`)
    const close = () => {
      page?.stop()
      return server.close()
    }
    return { ...server, close }
  } catch (error) {
    logger.error(messageOf(error))
    return undefined
  }
}

/** Health and metrics are worth more than none when the page's files are missing. */
async function openStatusPage(
  config: Config,
  logger: Logger,
  readiness: ReadinessProbe,
  { metrics, phase, warnings, node }: Shown
): Promise<StatusPage | undefined> {
  if (metrics === undefined) return undefined
  try {
    const { startStatusPage } = await import('./observe/status-page/page.ts')
    const { viewOf } = await import('./observe/status-page/node-view.ts')
    return startStatusPage({
      registry: metrics.registry,
      readiness,
      phase,
      node: () => {
        const started = node()
        return started && viewOf(started, config.publicIp)
      },
      warnings,
      version,
      keepsState: config.dataDir !== undefined,
      clock: systemClock,
      logger,
      // beside this file in dist/, bundled or not: scripts/bundle.mjs
      assets: new URL('./status-page/', import.meta.url)
    })
  } catch (error) {
    logger.error(`no status page: ${messageOf(error)}`)
    return undefined
  }
}
