import { type Clock, wallMs } from '../../clock.ts'
import type { Phase, ReadinessProbe } from '../admin/health.ts'
import { HttpError } from '../http/request.ts'
import { json, type Reply, type Route } from '../http/server.ts'
import type { Logger } from '../logger.ts'
import { adviceOf } from './advice.ts'
import { assetRoutes } from './assets.ts'
import { detailsOf, type NodeView } from './node-view.ts'
import { LastReach } from './reach.ts'
import type { MetricsSource } from './reading.ts'
import type { NodeDetails, StatusReport } from './report.ts'
import { Sampler } from './sampler.ts'
import type { RecentWarnings } from './warnings.ts'

export interface StatusPageParts {
  /** Of prom-client. */
  readonly registry: MetricsSource
  readonly readiness: Pick<ReadinessProbe, 'read'>
  readonly phase: () => Phase
  /** Undefined until the node has started. */
  readonly node: () => NodeView | undefined
  readonly warnings: Pick<RecentWarnings, 'all'>
  readonly version: string
  /** Whether identity and records outlive the process. */
  readonly keepsState: boolean
  readonly clock: Clock
  readonly logger: Logger
  /** Where the page's files are. */
  readonly assets: URL
}

export interface StatusPage {
  readonly routes: readonly [string, Route][]
  stop(): void
}

/** All keys and prefixes are looked at: however many pages are open, not more often than this. */
const detailsValidMs = 5_000
const maxHours = 24

/**
 * `/`, what it loads, `/status.json` and `/history.json?hours=`. Keeps a day of points from now on.
 *
 * @throws errors of the file system, when the page was not built
 */
export function startStatusPage(parts: StatusPageParts): StatusPage {
  const { registry, readiness, phase, node, warnings, version, keepsState, clock, logger } = parts
  const assets = assetRoutes(parts.assets)
  const sampler = new Sampler(registry, clock, logger)
  const reach = new LastReach(readiness, clock)
  let details: { readonly atMs: number; readonly found: Promise<NodeDetails> } | undefined
  sampler.start()
  return {
    routes: [...assets, ['/status.json', { reply: status }], ['/history.json', { reply: history }]],
    stop: () => sampler.stop()
  }

  async function status(): Promise<Reply> {
    const situation = {
      phase: phase(),
      reach: await reach.read(),
      uptimeSeconds: Math.floor(process.uptime()),
      figures: await sampler.figures()
    }
    const report: StatusReport = {
      ...situation,
      atMs: Math.round(wallMs(clock)),
      version,
      runtime: `Node ${process.version.slice(1)}`,
      advice: adviceOf({ ...situation, keepsState }),
      node: await detailsNow(),
      warnings: warnings.all
    }
    return json(report)
  }

  function detailsNow(): Promise<NodeDetails> | null {
    const view = node()
    if (view === undefined) return null
    if (details === undefined || clock.now() - details.atMs >= detailsValidMs) {
      details = { atMs: clock.now(), found: detailsOf(view) }
    }
    return details.found
  }

  function history({ query }: { query: URLSearchParams }): Reply {
    const hours = Number(query.get('hours') ?? 1)
    if (!(hours > 0 && hours <= maxHours)) throw new HttpError(400, `hours is a number above 0, ${maxHours} at most`)
    const body = JSON.stringify(sampler.history(hours))
    return { headers: { 'content-type': 'application/json; charset=utf-8' }, body: async () => body }
  }
}
