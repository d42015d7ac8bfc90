import type { Connection, Libp2pEvents, PeerStore, Startable, TypedEventTarget } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import type { Clock } from '../../clock.ts'
import { Deadlines } from '../../deadlines.ts'
import type { ByteProtocol, ByteStream, ByteStreamHandler } from '../byte-stream.ts'
import { LeanConnection } from '../lean/connection.ts'
import { framed, type IdentifyMessage } from './message.ts'
import { OwnMessage, type OwnMessageComponents } from './own-message.ts'
import { PushPace } from './push-pace.ts'
import { Pusher } from './pusher.ts'
import { IdentifyReader } from './reader.ts'
import { LazyIdentifyResult } from './result.ts'

export const identifyProtocol = '/ipfs/id/1.0.0'

/** As libp2p's. */
const readWithinMs = 5_000
/** How long is waited for the peer to ask first. */
export const askAfterMs = 200
/** What changes the message that this node sends. */
const changes = ['self:peer:update', 'transport:listening', 'transport:close'] as const

export interface IdentifyComponents extends OwnMessageComponents {
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly peerStore: Pick<PeerStore, 'patch' | 'has'>
  readonly registrar: Pick<Registrar, 'getProtocols' | 'getTopologies'>
}

export interface IdentifyHooks {
  readonly connections: () => Iterable<Connection>
  /** Identifies a connection that is not lean, since this node has dialled it. */
  readonly identifyStock: (connection: Connection) => void
}

/**
 * identify and identify-push on lean connections: two streams a join, at a tenth of what the library's services cost.
 *
 * A peer enters the peer store only when somebody here wants to know of peers with one of its protocols (a topology of the
 * registrar): those who speak kad as a server, and the mesh once a topic is joined. Of all others `peer:identify` tells,
 * which is enough for the rendezvous server.
 */
export class LeanIdentify implements Startable {
  readonly answering: ByteProtocol
  readonly receiving: ByteProtocol
  readonly #components: IdentifyComponents
  readonly #own: OwnMessage
  readonly #reading: Deadlines<IdentifyReader>
  /** Connections whose peer has not been asked who it is. */
  readonly #notAsked: Deadlines<Connection>
  readonly #pusher: Pusher
  readonly #pushPace: PushPace<Connection>
  readonly #identifyStock: (connection: Connection) => void

  constructor(components: IdentifyComponents, clock: Clock, { connections, identifyStock }: IdentifyHooks) {
    this.#components = components
    this.#identifyStock = identifyStock
    this.#own = new OwnMessage(components)
    this.#pusher = new Pusher(this.#own, connections, clock)
    this.#pushPace = new PushPace(clock)
    this.#notAsked = new Deadlines(clock, askAfterMs, (connection) => this.identify(connection))
    this.#reading = new Deadlines(clock, readWithinMs, (reader) => reader.giveUp('the message did not come in time'))
    this.answering = { maxInboundStreams: 2, open: (stream, connection) => this.#answer(stream, connection) }
    this.receiving = {
      maxInboundStreams: 2,
      open: (stream, connection) => {
        if (connection.status !== 'open' || !this.#pushPace.allows(connection)) {
          stream.reset('too many pushes')
          return silent
        }
        return this.#read(stream, (message) => void this.#pushed(message, connection).catch(() => {}))
      }
    }
  }

  start(): void {
    const { events } = this.#components
    events.addEventListener('connection:open', this.#onOpen)
    events.addEventListener('connection:close', this.#onClose)
    for (const change of changes) events.addEventListener(change, this.#onChange)
  }

  stop(): void {
    const { events } = this.#components
    events.removeEventListener('connection:open', this.#onOpen)
    events.removeEventListener('connection:close', this.#onClose)
    for (const change of changes) events.removeEventListener(change, this.#onChange)
    this.#notAsked.clear()
    this.#reading.clear()
    this.#pusher.stop()
  }

  /** Streams on which a message is awaited. */
  get reading(): number {
    return this.#reading.size
  }

  /** A peer asks first, and what this node asks then goes out with its answer. One that does not is asked all the same. */
  readonly #onOpen = ({ detail: connection }: CustomEvent<Connection>): void => {
    if (connection instanceof LeanConnection) this.#notAsked.set(connection)
    else this.identify(connection)
  }

  readonly #onClose = ({ detail: connection }: CustomEvent<Connection>): void => {
    this.#notAsked.drop(connection)
    this.#pushPace.forget(connection)
  }

  /** Asks the peer who it is; `peer:identify` tells. */
  identify(connection: Connection): void {
    this.#notAsked.drop(connection)
    if (connection.status !== 'open') return
    if (!(connection instanceof LeanConnection)) {
      this.#identifyStock(connection)
      return
    }
    const serve = (stream: ByteStream) =>
      this.#read(stream, (message) => void this.#identified(message, connection).catch(() => {}))
    try {
      // one that does not speak identify is of no use to its peers, and no trouble to this node
      connection.openByteStream(identifyProtocol, serve, () => {}, { onlyListens: true })
    } catch {
      // it is about to leave
    }
  }

  #answer(stream: ByteStream, connection: Connection): ByteStreamHandler {
    if (this.#notAsked.has(connection)) this.identify(connection)
    const observed = connection instanceof LeanConnection ? connection.remoteSocketAddr : connection.remoteAddr
    const send = (own: Uint8Array) => {
      stream.send(framed(own, observed.bytes))
      stream.close()
    }
    const own = this.#own.get()
    if (own instanceof Promise) own.then(send, () => stream.reset('this node cannot describe itself'))
    else send(own)
    return silent
  }

  #read(stream: ByteStream, onMessage: (message: IdentifyMessage) => void): IdentifyReader {
    const reader = new IdentifyReader(stream, onMessage, (over) => this.#reading.drop(over))
    this.#reading.set(reader)
    return reader
  }

  async #identified(message: IdentifyMessage, connection: Connection, isKnown = false): Promise<void> {
    const { peerStore, events, registrar } = this.#components
    const result = new LazyIdentifyResult(message, connection)
    const isWanted = message.protocols.some((protocol) => registrar.getTopologies(protocol).length > 0)
    if (isWanted || isKnown) {
      const addresses = result.listenAddrs.map((multiaddr) => ({ multiaddr, isCertified: false }))
      await peerStore.patch(connection.remotePeer, {
        ...(addresses.length === 0 ? {} : { addresses }),
        ...(message.protocols.length === 0 ? {} : { protocols: message.protocols })
      })
    }
    if (connection.status === 'open') events.safeDispatchEvent('peer:identify', { detail: result })
  }

  /** One that is in the peer store because of what it said before may have taken that back. */
  async #pushed(message: IdentifyMessage, connection: Connection): Promise<void> {
    await this.#identified(message, connection, await this.#components.peerStore.has(connection.remotePeer))
  }

  readonly #onChange = (): void => {
    this.#own.changed()
    this.#pusher.push().catch(() => {})
  }
}

const silent: ByteStreamHandler = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} }
