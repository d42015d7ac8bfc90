import { BootstrapError } from '../../errors.ts'
import { HttpError } from '../http/request.ts'
import { type HttpServer, json, type Route, startHttpServer } from '../http/server.ts'
import type { Logger } from '../logger.ts'
import type { ReadinessProbe } from './health.ts'

export interface AdminOptions {
  readonly host: string
  readonly port: number
  readonly logger: Logger
  /** By path. */
  readonly routes: ReadonlyMap<string, Route>
}

/** The longest answer is the readiness, which takes as long as a dial may. */
const silenceMs = 30_000

/**
 * The server for operators: health, metrics, the status page.
 *
 * @throws BootstrapError ERR_ADMIN_LISTEN
 */
export async function startAdminServer({ host, port, logger, routes }: AdminOptions): Promise<HttpServer> {
  const paths = ['no such page; there are:', ...routes.keys(), ''].join('\n')
  const route = (path: string) => {
    const found = routes.get(path)
    if (found === undefined) throw new HttpError(404, paths)
    return found
  }
  try {
    return await startHttpServer({ host, port, name: 'admin server', logger, silenceMs, route })
  } catch (cause) {
    throw new BootstrapError('ERR_ADMIN_LISTEN', { address: host, port }, { cause })
  }
}

/** `/healthz`: the process lives; `/readyz`: clients are served. */
export function healthRoutes(readiness: ReadinessProbe, uptimeSeconds: () => number): [string, Route][] {
  const alive = () => json({ status: 'ok', uptimeSeconds: Math.floor(uptimeSeconds()) })
  const ready = async () => {
    const { ready, checks } = await readiness.read()
    return json({ status: ready ? 'ready' : 'not ready', checks }, ready ? 200 : 503)
  }
  return [
    ['/healthz', { reply: alive }],
    ['/readyz', { reply: ready }]
  ]
}
