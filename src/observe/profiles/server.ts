import type { Logger } from 'pino'
import { BootstrapError } from '../../errors.ts'
import { HttpError } from '../http/request.ts'
import { type HttpServer, type Route, startHttpServer } from '../http/server.ts'
import { endpoints, type Profilers, ROOT } from './endpoints.ts'
import { startHeapEngine } from './heap-engine.ts'
import { HeapSampler } from './heap-sampler.ts'
import { indexPage, pathList } from './index-page.ts'
import { SourcePositions } from './source-positions.ts'

/** Longer than the longest profile. */
const silenceMs = 330_000

/**
 * Starts the server that Go operators know as net/http/pprof, and the heap sampler with it: what was allocated is counted
 * from here on.
 * @throws BootstrapError ERR_PROFILES_LISTEN
 */
export async function startProfileServer(options: { host: string; port: number; logger: Logger }): Promise<HttpServer> {
  const { host, port, logger } = options
  const profilers = await startProfilers(logger)
  try {
    const route = router(profilers)
    const server = await startHttpServer({ host, port, name: 'profiling server', logger, silenceMs, route })
    let closed: Promise<void> | undefined
    const close = () => (closed ??= server.close().then(() => profilers.heap?.stop()))
    return { address: server.address, close }
  } catch (cause) {
    profilers.heap?.stop()
    throw new BootstrapError('ERR_PROFILES_LISTEN', { address: host, port }, { cause })
  }
}

/** Without the heap sampler (no native binding for this platform, or another one runs) the other profiles still work. */
async function startProfilers(logger: Logger): Promise<Profilers> {
  const positions = new SourcePositions()
  try {
    const engine = await startHeapEngine()
    const heap = new HeapSampler(engine, (err) => logger.warn({ err }, 'heap sampler stopped counting allocations'))
    return { heap, heapUnavailable: '', positions }
  } catch (error) {
    logger.warn({ err: error }, 'no heap profiles: the sampler did not start')
    const heapUnavailable = error instanceof Error ? error.message : String(error)
    return { heap: undefined, heapUnavailable, positions }
  }
}

function router(profilers: Profilers): (path: string) => Route {
  const known = endpoints(profilers)
  const byPath = new Map(known.map((endpoint) => [ROOT + endpoint.name, endpoint]))
  return (path) => {
    if (`${path}/` === ROOT) throw new HttpError(301, `see ${ROOT}`, { location: ROOT })
    if (path === ROOT) {
      const page = async () => indexPage(known)
      return { reply: () => ({ headers: { 'content-type': 'text/html; charset=utf-8' }, body: page }) }
    }
    const endpoint = byPath.get(path)
    if (endpoint === undefined) throw new HttpError(404, pathList(known))
    return { reply: ({ query }) => endpoint.reply(query) }
  }
}
