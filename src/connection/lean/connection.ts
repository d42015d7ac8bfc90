import {
  type AbortOptions,
  ConnectionClosedError,
  type ConnectionStatus,
  connectionSymbol,
  type Logger,
  type MessageStreamEvents,
  type MultiaddrConnectionTimeline,
  type NewStreamOptions,
  type PeerId,
  type Stream,
  StreamCloseEvent,
  TooManyOutboundProtocolStreamsError,
  TypedEventEmitter
} from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../../clock.ts'
import type { ByteStream, ByteStreamHandler } from '../byte-stream.ts'
import { ConnectionEnd } from '../endings.ts'
import type { Selected } from '../negotiation/multistream.ts'
import { yamuxProtocol } from '../protocols.ts'
import { type YamuxOwner, YamuxSession, type YamuxStream } from '../yamux/session.ts'
import { Delivery, FullStream } from './full-stream.ts'
import type { Handshaken } from './handshake.ts'
import { OutboundNegotiation } from './negotiation.ts'
import { type RemoteEndpoint, remoteMultiaddr } from './remote-endpoint.ts'
import type { ChannelOwner, SocketChannel } from './socket-channel.ts'
import type { RoutedConnection, StreamRouter } from './stream-router.ts'

/** What is told of a connection. */
export interface ConnectionEvents {
  /** The peer has sent something. */
  onHeard(connection: LeanConnection): void
  /** The peer has gone: {@link LeanConnection.leave} is to be called, at once or soon. Told once. */
  onGone(connection: LeanConnection): void
  onClosed(connection: LeanConnection, cause: Error | undefined): void
  /** It holds so many bytes more for its peer, or fewer. */
  onHolding(connection: LeanConnection, differenceBytes: number): void
}

type Events = Omit<MessageStreamEvents, 'drain' | 'message' | 'end'>

/** How long a peer may take to close its side after this node has closed its own. */
const closeWithinMs = 1_000
/** Resets are forgiven after so long: see YamuxSession.relax(). */
const relaxEveryMs = 10_000
/** libp2p's default for a protocol whose handler names no limit. */
const defaultMaxOutboundStreams = 64

/**
 * An inbound connection: yamux over an encrypted socket, and streams that cost what their protocol needs. What is asked for
 * rarely (addresses, events, the list of streams) is made when somebody asks.
 */
export class LeanConnection implements RoutedConnection, ChannelOwner, YamuxOwner {
  readonly id: string
  readonly remotePeer: PeerId
  readonly encryption: string
  readonly #channel: SocketChannel
  readonly #session: YamuxSession
  readonly #remote: RemoteEndpoint
  readonly #router: StreamRouter
  readonly #clock: Clock
  readonly #events: ConnectionEvents
  readonly #openedAtMs = Date.now()
  #closedAtMs: number | undefined
  #status: ConnectionStatus = 'open'
  #relaxedAtMs = 0
  #held = false
  #gone = false
  #goneBecause: Error | undefined
  #emitter: TypedEventEmitter<Events> | undefined

  constructor(
    { channel, remotePeer, encryption }: Handshaken,
    init: { id: string; remote: RemoteEndpoint; router: StreamRouter; clock: Clock; events: ConnectionEvents }
  ) {
    this.id = init.id
    this.remotePeer = remotePeer
    this.encryption = encryption
    this.#channel = channel
    this.#remote = init.remote
    this.#router = init.router
    this.#clock = init.clock
    this.#events = init.events
    this.#session = new YamuxSession('listener', this)
    channel.owner = this
    channel.announceEnd()
  }

  get [connectionSymbol](): true {
    return true
  }

  get [Symbol.toStringTag](): string {
    return 'Connection'
  }

  get direction(): 'inbound' {
    return 'inbound'
  }

  get multiplexer(): string {
    return yamuxProtocol
  }

  get direct(): boolean {
    return true
  }

  get status(): ConnectionStatus {
    return this.#status
  }

  get log(): Logger {
    return this.#router.log
  }

  get remoteAddr(): Multiaddr {
    return this.remoteSocketAddr.encapsulate(`/p2p/${this.remotePeer}`)
  }

  /** Address at the other end of the socket. */
  get remoteIp(): string {
    return this.#remote.ip
  }

  /** Address and port at the other end of the socket, without the peer id. */
  get remoteSocketAddr(): Multiaddr {
    return remoteMultiaddr(this.#remote)
  }

  get timeline(): MultiaddrConnectionTimeline {
    const open = this.#openedAtMs
    return { open, upgraded: open, ...(this.#closedAtMs === undefined ? {} : { close: this.#closedAtMs }) }
  }

  /** Those that a `ByteProtocol` serves are shown, and can be closed; what is sent on them is read by their protocol. */
  get streams(): Stream[] {
    return Array.from(this.#session.streams(), (stream) =>
      stream.handler instanceof Delivery ? stream.handler.stream : new FullStream(stream, stream.protocol, this.log)
    )
  }

  get streamCount(): number {
    return this.#session.streamCount
  }

  countStreams(protocol: string, isInbound: boolean): number {
    let count = 0
    for (const stream of this.#session.streams()) {
      if (stream.protocol === protocol && stream.isInbound === isInbound) count++
    }
    return count
  }

  /** @throws ConnectionClosedError; MultistreamError when the peer supports none of `protocols` */
  async newStream(protocols: string | string[], options: NewStreamOptions = {}): Promise<Stream> {
    options.signal?.throwIfAborted()
    const full = await new Promise<FullStream>((resolve, reject) => {
      const onAbort = () => carrier.reset('the caller has given up')
      const carrier = this.#negotiate([protocols].flat(), (stream, outcome) => {
        options.signal?.removeEventListener('abort', onAbort)
        if (outcome instanceof Error) reject(options.signal?.aborted === true ? options.signal.reason : outcome)
        else resolve(this.#router.fullStream(stream, outcome.protocol, outcome.rest))
      })
      options.signal?.addEventListener('abort', onAbort, { once: true })
    })
    const { protocol } = full
    const limit = this.#router.maxOutboundStreams(protocol) ?? options.maxOutboundStreams ?? defaultMaxOutboundStreams
    if (this.countStreams(protocol, false) > limit) {
      const error = new TooManyOutboundProtocolStreamsError(`${limit} streams of ${protocol} are open already`)
      full.abort(error)
      throw error
    }
    try {
      return await this.#router.throughMiddleware(full, this)
    } catch (error) {
      full.abort(error as Error)
      throw error
    }
  }

  /**
   * Opens a stream of little cost.
   *
   * @param serve makes the handler once the peer has agreed
   * @param onFailed called when it has not
   * @param onlyListens ends this side with the proposal, for a protocol in which this side has nothing to say: the end
   *   then costs no packet of its own
   * @throws ConnectionClosedError
   */
  openByteStream(
    protocol: string,
    serve: (stream: ByteStream) => ByteStreamHandler,
    onFailed: (error: Error) => void,
    { onlyListens = false } = {}
  ): void {
    const opened = this.#negotiate([protocol], (stream, outcome) => {
      if (outcome instanceof Error) return onFailed(outcome)
      stream.handler = serve(stream)
      if (outcome.rest.length > 0) stream.handler.onData(outcome.rest)
    })
    if (onlyListens) opened.close()
  }

  #negotiate(protocols: string[], onOutcome: (stream: YamuxStream, outcome: Selected | Error) => void): YamuxStream {
    if (this.#status !== 'open') throw new ConnectionClosedError(`the connection is ${this.#status}`)
    const negotiation = new OutboundNegotiation(protocols, (stream, outcome) => {
      this.#router.settled(stream)
      if (!(outcome instanceof Error)) stream.protocol = outcome.protocol
      onOutcome(stream, outcome)
    })
    const stream = this.#session.open(negotiation)
    this.#router.began(stream)
    negotiation.begin(stream)
    return stream
  }

  /** Asks the peer for a sign of life, which is heard like all it sends. */
  ping(): void {
    this.#session.ping()
  }

  /** Says goodbye and closes when the peer has closed too, after a second at the latest. */
  async close(options: AbortOptions = {}): Promise<void> {
    if (this.#status !== 'open') return
    this.#status = 'closing'
    const closed = new Promise<void>((resolve) => this.addEventListener('close', () => resolve(), { once: true }))
    const cut = () => this.abort(new ConnectionEnd('closed', 'the peer did not close its side'))
    const cancel = this.#clock.after(closeWithinMs, cut)
    options.signal?.addEventListener('abort', cut, { once: true })
    this.#session.goAway(0)
    this.#channel.end()
    await closed
    cancel()
    options.signal?.removeEventListener('abort', cut)
  }

  abort(error: Error): void {
    if (this.#status === 'closed' || this.#status === 'aborted') return
    this.#channel.destroy()
    this.#closed('aborted', error)
  }

  // what the channel tells

  onBytes(bytes: Uint8Array): void {
    const nowMs = this.#clock.now()
    if (nowMs - this.#relaxedAtMs > relaxEveryMs) {
      this.#relaxedAtMs = nowMs
      this.#session.relax()
    }
    try {
      this.#session.receive(bytes)
    } catch (error) {
      // with a last word to the peer
      this.#channel.flush()
      this.abort(error as Error)
      return
    }
    if (this.#status === 'open') this.#events.onHeard(this)
  }

  onDrain(): void {
    this.#held = false
    this.#session.releaseData()
  }

  onEnd(): void {
    this.onClose(undefined)
  }

  onClose(cause: Error | undefined): void {
    if (this.#gone) return
    this.#gone = true
    this.#goneBecause = cause
    this.#events.onGone(this)
  }

  /** Closes what a peer that has gone has left here. */
  leave(): void {
    this.#channel.destroy()
    this.#closed('closed', this.#goneBecause)
  }

  #closed(status: 'closed' | 'aborted', cause: Error | undefined): void {
    if (this.#status === 'closed' || this.#status === 'aborted') return
    this.#status = status
    this.#closedAtMs = Date.now()
    this.#session.close(cause?.message ?? 'the peer left')
    this.#emitter?.dispatchEvent(new StreamCloseEvent(status === 'aborted', cause))
    this.#events.onClosed(this, cause)
  }

  // what yamux asks

  write(bytes: Uint8Array): void {
    this.#channel.write(bytes)
    if (this.#held || !this.#channel.isBehind) return
    this.#held = true
    this.#session.holdData()
  }

  onStream(stream: YamuxStream): void {
    this.#router.accept(stream, this)
  }

  onStreamClosed(stream: YamuxStream): void {
    if (stream.protocol === '') this.#router.settled(stream)
  }

  onPong(): void {}

  /** The peer is leaving, or has seen us err: go-libp2p closes the socket right after. */
  onGoAway(): void {}

  onHolding(differenceBytes: number): void {
    this.#events.onHolding(this, differenceBytes)
  }

  onHandlerError(_stream: YamuxStream, cause: unknown): void {
    this.log.error('a stream handler failed - %e', cause)
  }

  // events of libp2p, for those few who listen to one connection

  addEventListener(...args: Parameters<TypedEventEmitter<Events>['addEventListener']>): void {
    this.#emitter ??= new TypedEventEmitter()
    this.#emitter.addEventListener(...args)
  }

  removeEventListener(...args: Parameters<TypedEventEmitter<Events>['removeEventListener']>): void {
    this.#emitter?.removeEventListener(...args)
  }

  dispatchEvent(event: Event): boolean {
    return this.#emitter?.dispatchEvent(event) ?? true
  }

  safeDispatchEvent(...args: Parameters<TypedEventEmitter<Events>['safeDispatchEvent']>): boolean {
    return this.#emitter?.safeDispatchEvent(...args) ?? true
  }

  listenerCount(type: string): number {
    return this.#emitter?.listenerCount(type) ?? 0
  }
}
