import { TLSSocket } from 'node:tls'
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
import { verifyPeerCertificate } from './peer-certificate.ts'

export interface TlsComponents {
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly upgrader: Upgrader
  readonly logger: ComponentLogger
  readonly metrics?: Metrics
}

/** ALPN of a peer that negotiates its muxer later. */
const noEarlyMuxer = 'libp2p'

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
    const socket = new TLSSocket(transport, {
      isServer: true,
      secureContext,
      requestCert: true,
      // no authority signs these certificates; the peer's is verified below
      rejectUnauthorized: false,
      ALPNCallback: ({ protocols }) => protocols.find((name) => muxers.has(name) || name === noEarlyMuxer)
    })
    transport.on('error', (error) => socket.destroy(error))
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

/** Resolves when the handshake is over; rejects with what went wrong, or when `signal` fires. */
function secured(socket: TLSSocket, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => () => {
      socket.off('secure', onSecure).off('error', onError).off('close', onClose)
      signal?.removeEventListener('abort', onAbort)
      act()
    }
    const onSecure = settle(resolve)
    const onError = (error: Error) => settle(() => reject(error))()
    const onClose = settle(() => reject(new Error('the peer closed the connection during the TLS handshake')))
    const onAbort = settle(() => reject(new Error('the TLS handshake took too long')))
    socket.on('secure', onSecure).on('error', onError).on('close', onClose)
    if (signal?.aborted === true) onAbort()
    else signal?.addEventListener('abort', onAbort)
  })
}

async function identityOf(socket: TLSSocket): Promise<PeerId> {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) throw new Error('the peer sent no certificate')
  const peer = await verifyPeerCertificate(certificate, Date.now())
  if ('problem' in peer) throw new Error(`the certificate of the peer is not accepted: ${peer.problem}`)
  return peer
}
