import type { Connection, Logger, Stream, StreamHandlerRecord, StreamMiddleware } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import type { Clock } from '../../clock.ts'
import { Deadlines } from '../../deadlines.ts'
import type { ByteProtocol } from '../byte-stream.ts'
import type { Selected } from '../negotiation/multistream.ts'
import type { YamuxStream } from '../yamux/session.ts'
import { FullStream } from './full-stream.ts'
import { InboundNegotiation } from './negotiation.ts'

/** As libp2p's. */
const negotiateWithinMs = 10_000
/** libp2p's default (registrar.ts) for a protocol whose handler names no limit. */
const defaultMaxInboundStreams = 32

export interface RouterParts {
  readonly registrar: Pick<Registrar, 'getHandler' | 'getMiddleware'>
  /** Protocols that are served on streams of little cost; they come before the registrar's. */
  readonly protocols: ReadonlyMap<string, ByteProtocol>
  readonly clock: Clock
  readonly log: Logger
}

/** The connection as the router sees it. */
export interface RoutedConnection extends Connection {
  /** Open streams of a protocol. */
  countStreams(protocol: string, isInbound: boolean): number
}

/** Brings the streams of all lean connections to those who serve them. */
export class StreamRouter {
  readonly #parts: RouterParts
  /** Streams that have no protocol yet. */
  readonly #negotiations: Deadlines<YamuxStream>

  constructor(parts: RouterParts) {
    this.#parts = parts
    this.#negotiations = new Deadlines(parts.clock, negotiateWithinMs, (stream) => {
      stream.reset('no protocol was agreed on in time')
    })
  }

  get log(): Logger {
    return this.#parts.log
  }

  /** Streams whose protocol is not agreed on yet. */
  get pending(): number {
    return this.#negotiations.size
  }

  isSupported(protocol: string): boolean {
    return this.#parts.protocols.has(protocol) || this.#registered(protocol) !== undefined
  }

  /** The peer has opened a stream. */
  accept(stream: YamuxStream, connection: RoutedConnection): void {
    stream.handler = new InboundNegotiation(stream, connection, this)
    this.#negotiations.set(stream)
  }

  /** A stream of ours has gone out to be negotiated. */
  began(stream: YamuxStream): void {
    this.#negotiations.set(stream)
  }

  /** The stream has its protocol, or is closed. */
  settled(stream: YamuxStream): void {
    this.#negotiations.drop(stream)
  }

  serve(stream: YamuxStream, { protocol, rest }: Selected, connection: RoutedConnection): void {
    this.settled(stream)
    stream.protocol = protocol
    const served = this.#parts.protocols.get(protocol)
    if (served !== undefined) {
      if (connection.countStreams(protocol, true) > served.maxInboundStreams) {
        stream.reset('too many streams of the protocol')
        return
      }
      stream.handler = served.open(stream, connection)
      if (rest.length > 0) stream.handler.onData(rest)
      return
    }
    const registered = this.#registered(protocol)
    const limit = registered?.options.maxInboundStreams ?? defaultMaxInboundStreams
    if (registered === undefined || connection.countStreams(protocol, true) > limit) {
      stream.reset('too many streams of the protocol')
      return
    }
    const full = this.fullStream(stream, protocol, rest)
    this.#runHandler(full, connection, registered).catch((error: Error) => full.abort(error))
  }

  /** A stream whose protocol is agreed on, as libp2p knows streams. */
  fullStream(stream: YamuxStream, protocol: string, rest: Uint8Array): FullStream {
    const full = new FullStream(stream, protocol, this.#parts.log)
    full.deliver()
    if (rest.length > 0) stream.handler.onData(rest)
    return full
  }

  maxOutboundStreams(protocol: string): number | undefined {
    return this.#registered(protocol)?.options.maxOutboundStreams
  }

  /** The registrar's middleware has its turn before the stream is used. */
  async throughMiddleware(stream: Stream, connection: Connection): Promise<Stream> {
    let current = stream
    for (const middleware of this.#parts.registrar.getMiddleware(stream.protocol)) {
      current = await runMiddleware(middleware, current, connection)
    }
    return current
  }

  async #runHandler(stream: Stream, connection: Connection, { handler }: StreamHandlerRecord): Promise<void> {
    await handler(await this.throughMiddleware(stream, connection), connection)
  }

  #registered(protocol: string): StreamHandlerRecord | undefined {
    try {
      return this.#parts.registrar.getHandler(protocol)
    } catch {
      return undefined // its way to say that there is none
    }
  }
}

function runMiddleware(middleware: StreamMiddleware, stream: Stream, connection: Connection): Promise<Stream> {
  return new Promise((resolve, reject) => {
    Promise.resolve(middleware(stream, connection, (next) => resolve(next))).catch(reject)
  })
}
