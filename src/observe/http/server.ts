import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Logger } from 'pino'
import { HttpError, hostOf, isLinkFollowed, isLoopback, isOfOtherSite, isSafeHost } from './request.ts'

/** An answer whose question was understood; `body` does the work and ends early when the signal is aborted. */
export interface Reply {
  /** Default: 200. */
  readonly status?: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: (signal: AbortSignal) => Promise<string | Uint8Array | Readable>
}

export interface Question {
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly method: string
  /** Who asks: an IP address. */
  readonly remoteAddress: string
}

export interface Route {
  /** Default: GET and HEAD. */
  readonly methods?: readonly string[]
  /** Whether a link on a page of another site may lead here. Default: no. */
  readonly mayBeLinked?: boolean
  /** @throws HttpError for a question that it does not understand */
  readonly reply: (question: Question) => Reply | Promise<Reply>
}

export interface HttpOptions {
  readonly host: string
  readonly port: number
  /** What it is called in the log. */
  readonly name: string
  readonly logger: Logger
  /** Ends a reader that does not read; longer than the longest answer takes. */
  readonly silenceMs: number
  /** @throws HttpError 404, 301 */
  readonly route: (path: string) => Route
}

/** A value as JSON. */
export function json(value: unknown, status = 200): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: async () => `${JSON.stringify(value, null, 2)}\n`
  }
}

export interface HttpServer {
  /** `address:port` as it is bound. */
  readonly address: string
  close(): Promise<void>
}

/** Operators are few: more connections than this are a mistake. */
const maxConnections = 32
/** A request has no body, so that it is here at once or never. */
const requestTimeoutMs = 10_000
const readingMethods = ['GET', 'HEAD']

/**
 * An HTTP server for operators: it answers those who ask, whatever else they do. A body is never read.
 *
 * @throws the socket's error, such as EADDRINUSE
 */
export async function startHttpServer(options: HttpOptions): Promise<HttpServer> {
  const { host, port, name, logger } = options
  const closing = new AbortController()
  const server = createServer({ requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs })
  server.maxConnections = maxConnections
  server.setTimeout(options.silenceMs)
  server.listen({ host, port })
  await once(server, 'listening')
  const bound = boundAddress(server)
  const address = endpoint(bound?.address, bound?.port)
  const isLocal = isLoopback(bound?.address ?? host)
  const replyTo = (request: IncomingMessage) => replyOf(request, options.route, isLocal)
  const running = new Set<Promise<void>>()
  server.on('request', (request, response) => {
    const answered = answer(request, response, replyTo, closing.signal, options).finally(() => running.delete(answered))
    running.add(answered)
  })
  server.on('error', (error) => logger.warn({ err: error }, `${name} error`))
  logger.debug({ address }, `${name} listening`)
  let closed: Promise<void> | undefined
  return { address, close: () => (closed ??= close()) }

  async function close(): Promise<void> {
    const ended = once(server, 'close')
    server.close()
    closing.abort()
    server.closeAllConnections()
    await Promise.allSettled([ended, ...running])
  }
}

function replyOf(request: IncomingMessage, route: HttpOptions['route'], isLocal: boolean): Reply | Promise<Reply> {
  const { method = '', url = '/', headers, socket } = request
  // RFC 9112, 3.2: Node takes the first, a proxy in front may take the other
  if ((request.headersDistinct.host?.length ?? 0) > 1) throw new HttpError(400, 'one Host header, please')
  if (headers.host !== undefined && !isSafeHost(hostOf(headers.host), isLocal)) {
    const names = isLocal ? 'localhost only' : 'its IP address, localhost or a name without a dot only'
    throw new HttpError(403, `this server answers to ${names}`)
  }
  const [path = '', query = ''] = url.split('?', 2)
  const { methods = readingMethods, mayBeLinked = false, reply } = route(path)
  if (isOfOtherSite(headers) && !(mayBeLinked && isLinkFollowed(headers))) {
    throw new HttpError(403, 'pages of other sites get nothing here; enter the address by hand')
  }
  if (!methods.includes(method)) {
    throw new HttpError(405, `use ${methods.join(' or ')}`, { allow: methods.join(', ') })
  }
  return reply({ path, query: new URLSearchParams(query), method, remoteAddress: socket.remoteAddress ?? '' })
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  replyTo: (request: IncomingMessage) => Reply | Promise<Reply>,
  closing: AbortSignal,
  { logger, name }: HttpOptions
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  try {
    const { status = 200, headers, body } = await replyTo(request)
    const content = request.method === 'HEAD' ? '' : await body(AbortSignal.any([gone.signal, closing]))
    response.writeHead(status, { 'x-content-type-options': 'nosniff', 'cache-control': 'no-store', ...headers })
    if (content instanceof Readable) await pipeline(content, response)
    else response.end(content)
  } catch (error) {
    if (gone.signal.aborted || closing.aborted) {
      response.destroy()
      return
    }
    if (!(error instanceof HttpError)) logger.warn({ err: error, url: request.url }, `an answer of the ${name} failed`)
    refuseWith(error, response)
  }
}

function refuseWith(error: unknown, response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy() // half an answer must not look whole
    return
  }
  const { status, message, headers } = error instanceof HttpError ? error : new HttpError(500, `failed: ${error}`)
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
    ...headers
  })
  response.end(`${message.trimEnd()}\n`)
}

/** `address:port`, with brackets around IPv6. */
export function endpoint(address: string | undefined, port: number | undefined): string {
  if (address === undefined) return 'unknown'
  return `${address.includes(':') ? `[${address}]` : address}:${port ?? 'unknown'}`
}

/** The address a server really has, whatever it was asked for. */
export function boundAddress(server: Server): AddressInfo | undefined {
  const address = server.address()
  return address === null || typeof address === 'string' ? undefined : address
}
