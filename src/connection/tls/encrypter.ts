import type {
  ComponentLogger,
  ConnectionEncrypter,
  MessageStream,
  Metrics,
  PeerId,
  PrivateKey,
  SecureConnectionOptions,
  SecuredConnection,
  StreamMuxerFactory,
  Upgrader
} from '@libp2p/interface'
import { tls } from '@libp2p/tls'
import { toMessageStream, toNodeDuplex } from '@libp2p/tls/utils'
import type { Clock } from '../../clock.ts'
import { TlsContext } from './certificate.ts'
import { identityOf, noEarlyMuxer, secured, serverSocket } from './server-socket.ts'

export interface TlsComponents {
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly upgrader: Upgrader
  readonly logger: ComponentLogger
  readonly metrics?: Metrics
}

/**
 * The TLS of libp2p for inbound connections, by node:tls: one certificate for all of them, and the peer's verified by
 * node:crypto. `@libp2p/tls` 3.1.10, which dials, makes one for each connection (2.8 ms of CPU) and verifies the peer's in
 * JavaScript (1.5 ms against 0.2).
 */
export function inboundTls(clock: Clock): (components: TlsComponents) => ConnectionEncrypter {
  return (components) => {
    const library = tls()(components)
    const inbound = new InboundTls(components, new TlsContext(components.privateKey, clock))
    return Object.assign(library, { secureInbound: inbound.secure })
  }
}

class InboundTls {
  /** The upgrader is among them only after the encrypters were made. */
  readonly #components: TlsComponents
  readonly #context: TlsContext

  constructor(components: TlsComponents, context: TlsContext) {
    this.#components = components
    this.#context = context
  }

  readonly secure = async (
    connection: MessageStream,
    options?: SecureConnectionOptions
  ): Promise<SecuredConnection<MessageStream>> => {
    const secureContext = await this.#context.get()
    const muxers =
      options?.skipStreamMuxerNegotiation === true ? new Map() : this.#components.upgrader.getStreamMuxers()
    const transport = toNodeDuplex(connection)
    const socket = serverSocket(transport, secureContext, (name) => muxers.has(name))
    try {
      await secured(socket, options?.signal)
      const remotePeer = await identityOf(socket)
      const streamMuxer: StreamMuxerFactory | undefined = muxers.get(socket.alpnProtocol || noEarlyMuxer)
      const secure = toMessageStream(connection, socket)
      return { remotePeer, connection: secure, ...(streamMuxer === undefined ? {} : { streamMuxer }) }
    } catch (error) {
      // whatever the half-open socket still has to say concerns nobody
      socket.on('error', () => {})
      socket.destroy()
      connection.abort(error as Error)
      throw error
    }
  }
}
