import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Logger } from 'pino'
import { BootstrapError } from '../../errors.ts'
import { endpoints, type Profilers, type Reply, ROOT } from './endpoints.ts'
import { startHeapEngine } from './heap-engine.ts'
import { HeapSampler } from './heap-sampler.ts'
import { indexPage, pathList } from './index-page.ts'
import { HttpError, hostOf, isLoopback } from './request.ts'
import { boundAddress, endpoint } from './resources.ts'
import { SourcePositions } from './source-positions.ts'

export interface ProfileServer {
  /** `address:port` as it is bound. */
  readonly address: string
  close(): Promise<void>
}

/** Operators are few: more connections than this are a mistake. */
const MAX_CONNECTIONS = 32
/** A request has no body, so that it is here at once or never. */
const REQUEST_TIMEOUT_MS = 10_000
/** Longer than the longest profile; ends a reader that does not read. */
const SILENCE_MS = 330_000

/**
 * Starts the server that Go operators know as net/http/pprof, and the heap sampler with it: what was allocated is counted
 * from here on.
 * @throws BootstrapError ERR_PROFILES_LISTEN
 */
export async function startProfileServer(options: {
  host: string
  port: number
  logger: Logger
}): Promise<ProfileServer> {
  const { host, port, logger } = options
  const closing = new AbortController()
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS })
  server.maxConnections = MAX_CONNECTIONS
  server.setTimeout(SILENCE_MS)
  await listen(server, host, port)
  const bound = boundAddress(server)
  const address = endpoint(bound?.address, bound?.port)
  const profilers = await startProfilers(logger)
  const replyTo = router(profilers, isLoopback(bound?.address ?? host))
  const running = new Set<Promise<void>>()
  server.on('request', (request, response) => {
    const answered = answer(request, response, replyTo, closing.signal, logger).finally(() => running.delete(answered))
    running.add(answered)
  })
  server.on('error', (error) => logger.warn({ err: error }, 'profiling server error'))
  logger.debug({ address }, 'profiling server listening')
  let closed: Promise<void> | undefined
  return { address, close: () => (closed ??= close()) }

  async function close(): Promise<void> {
    const ended = once(server, 'close')
    server.close()
    closing.abort()
    server.closeAllConnections()
    await Promise.allSettled([ended, ...running])
    profilers.heap?.stop()
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen({ host, port })
    await once(server, 'listening')
  } catch (cause) {
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

type Router = (request: IncomingMessage) => Reply

/** @param localOnly whether names of other hosts are refused: a web page could point its own name at this address */
function router(profilers: Profilers, localOnly: boolean): Router {
  const known = endpoints(profilers)
  const byPath = new Map(known.map((endpoint) => [ROOT + endpoint.name, endpoint]))
  return ({ method, url = '/', headers: { host } }) => {
    if (localOnly && host !== undefined && !isLoopback(hostOf(host))) {
      throw new HttpError(403, 'this server answers to localhost only')
    }
    if (method !== 'GET' && method !== 'HEAD') throw new HttpError(405, 'use GET', { allow: 'GET, HEAD' })
    const [path = '', query = ''] = url.split('?', 2)
    if (`${path}/` === ROOT) throw new HttpError(301, `see ${ROOT}`, { location: ROOT })
    if (path === ROOT) {
      return { headers: { 'content-type': 'text/html; charset=utf-8' }, body: async () => indexPage(known) }
    }
    const endpoint = byPath.get(path)
    if (endpoint === undefined) throw new HttpError(404, pathList(known))
    return endpoint.reply(new URLSearchParams(query))
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  replyTo: Router,
  closing: AbortSignal,
  logger: Logger
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  try {
    const { headers, body } = replyTo(request)
    const content = request.method === 'HEAD' ? '' : await body(AbortSignal.any([gone.signal, closing]))
    response.writeHead(200, { 'x-content-type-options': 'nosniff', 'cache-control': 'no-store', ...headers })
    if (content instanceof Readable) await pipeline(content, response)
    else response.end(content)
  } catch (error) {
    if (gone.signal.aborted || closing.aborted) {
      response.destroy()
      return
    }
    if (!(error instanceof HttpError)) logger.warn({ err: error, url: request.url }, 'profile failed')
    refuseWith(error, response)
  }
}

function refuseWith(error: unknown, response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy() // half an answer must not look whole
    return
  }
  const { status, message, headers } = error instanceof HttpError ? error : new HttpError(500, `failed: ${error}`)
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers })
  response.end(`${message.trimEnd()}\n`)
}
