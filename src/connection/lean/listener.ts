import { createServer, type Server, type Socket } from 'node:net'
import {
  type Libp2pEvents,
  type Listener,
  type ListenerEvents,
  TypedEventEmitter,
  type TypedEventTarget
} from '@libp2p/interface'
import { getNetConfig, getThinWaistAddresses } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../../clock.ts'
import { Deadlines } from '../../deadlines.ts'
import { Turns } from '../../turns.ts'
import { ConnectionEnd, type Endings } from '../endings.ts'
import { type ConnectionEvents, LeanConnection } from './connection.ts'
import type { Credentials } from './credentials.ts'
import { Handshake, type HandshakeEvents, type Handshaken } from './handshake.ts'
import { HandshakePace } from './handshake-pace.ts'
import { type RemoteEndpoint, remoteEndpoint } from './remote-endpoint.ts'
import type { StreamRouter } from './stream-router.ts'

/** As libp2p's; Go clients give up after 5 s. */
export const handshakeWithinMs = 10_000

/** As many as the kernel allows (net.core.somaxconn): Node's default of 511 would turn a burst away. */
const backlog = 4_096

/** To begin a handshake takes some 100 µs: reading what the newcomer offers, and answering. */
const beginningsPerTurn = 64

/** A peer that leaves costs some 100 µs in all who hear of it; when thousands do at once, others are served in between. */
const departuresPerTurn = 64

/** Who decides whether a newcomer is let in. */
export interface Admission {
  acceptIncomingConnection(): boolean
  /** A newcomer that was let in has become a connection, or will not become one. */
  afterUpgradeInbound(): void
}

/** Finds peers that do not answer. */
export interface Watch {
  watch(connection: LeanConnection): void
  heard(connection: LeanConnection): void
  forget(connection: LeanConnection): void
}

export interface ListenerParts {
  readonly admission: () => Admission
  readonly events: TypedEventTarget<Libp2pEvents>
  /** Whether a peer is this node itself. */
  readonly isSelf: (connection: Handshaken) => boolean
  readonly credentials: () => Credentials
  /** Another each time, for all listeners: libp2p 3.3.11 tells the connections of a peer apart by it. */
  readonly nextConnectionId: () => string
  readonly router: StreamRouter
  readonly watch: Watch
  readonly clock: Clock
  /** Why handshakes have failed. */
  readonly failures: Endings
  /** Why connections have ended. */
  readonly endings: Endings
}

/** A port on which lean connections arrive. Holds a handshake or a connection for each socket that admission has let in. */
export class LeanListener
  extends TypedEventEmitter<ListenerEvents>
  implements Listener, HandshakeEvents, ConnectionEvents
{
  readonly #parts: ListenerParts
  readonly #server: Server
  readonly #handshakes = new Map<Handshake, RemoteEndpoint>()
  readonly #deadlines: Deadlines<Handshake>
  readonly #arrived: Turns<Socket>
  readonly #heavy: Turns<Handshake>
  readonly #gone = new Turns<LeanConnection>((connection) => connection.leave(), { perTurn: () => departuresPerTurn })
  readonly #connections = new Set<LeanConnection>()
  #address: Multiaddr | undefined

  constructor(parts: ListenerParts) {
    super()
    this.#parts = parts
    this.#deadlines = new Deadlines(parts.clock, handshakeWithinMs, (handshake) => {
      handshake.abort(new ConnectionEnd('deadline', 'the handshake took too long'))
    })
    this.#arrived = new Turns((socket) => this.#begin(socket), { perTurn: () => beginningsPerTurn })
    const pace = new HandshakePace(parts.clock)
    this.#heavy = new Turns((handshake) => handshake.proceed(), { perTurn: () => pace.next() })
    this.#server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => this.#onSocket(socket))
    this.#server.on('listening', () => this.safeDispatchEvent('listening'))
    this.#server.on('error', (error) => {
      // such as EMFILE: the port stays open, and the socket was closed
      parts.router.log.error('the listener failed - %e', error)
      this.safeDispatchEvent('error', { detail: error })
    })
    this.#server.on('close', () => this.safeDispatchEvent('close'))
  }

  /** Sockets whose peer is not known yet. */
  get handshaking(): number {
    return this.#handshakes.size
  }

  /** @throws the socket's error, such as EADDRINUSE */
  async listen(address: Multiaddr): Promise<void> {
    this.#address = address
    const { host, port, type } = getNetConfig(address)
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port, backlog, ipv6Only: type === 'ip6' }, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
  }

  getAddrs(): Multiaddr[] {
    const bound = this.#server.address()
    if (bound === null || typeof bound === 'string') return []
    return getThinWaistAddresses(this.#address, bound.port)
  }

  updateAnnounceAddrs(): void {}

  /** Closes the port and every connection that came through it. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      if (this.#server.listening) this.#server.close(() => resolve())
      else resolve()
    })
    const leaving = new ConnectionEnd('closed', 'this node is closing')
    for (const handshake of this.#handshakes.keys()) handshake.abort(leaving)
    for (const connection of this.#connections) connection.abort(leaving)
    await closed
  }

  /** As little as can be: thousands may have to be accepted before anything else is done. */
  #onSocket(socket: Socket): void {
    socket.on('error', ignore)
    if (this.#parts.admission().acceptIncomingConnection()) this.#arrived.wait(socket)
    else socket.destroy()
  }

  #begin(socket: Socket): void {
    const remote = remoteEndpoint(socket)
    if (remote === undefined || !this.#server.listening) {
      socket.destroy()
      this.#parts.admission().afterUpgradeInbound()
      return
    }
    socket.off('error', ignore)
    const handshake = new Handshake(socket, this.#parts.credentials(), this)
    this.#handshakes.set(handshake, remote)
    this.#deadlines.set(handshake)
    handshake.begin()
  }

  onHeavy(handshake: Handshake): void {
    this.#heavy.wait(handshake)
  }

  onDone(handshake: Handshake, result: Handshaken): void {
    const remote = this.#forget(handshake)
    if (remote === undefined) return
    if (this.#parts.isSelf(result)) {
      result.channel.destroy()
      this.#parts.failures.count(new ConnectionEnd('self', 'this node has dialled itself'))
    } else {
      const { nextConnectionId, router, clock, watch, events } = this.#parts
      const connection = new LeanConnection(result, { id: nextConnectionId(), remote, router, clock, events: this })
      this.#connections.add(connection)
      watch.watch(connection)
      events.safeDispatchEvent('connection:open', { detail: connection })
    }
    this.#parts.admission().afterUpgradeInbound()
  }

  onFailed(handshake: Handshake, cause: Error): void {
    if (this.#forget(handshake) === undefined) return
    this.#parts.failures.count(cause)
    this.#parts.router.log.trace('a handshake failed - %e', cause)
    this.#parts.admission().afterUpgradeInbound()
  }

  onHeard(connection: LeanConnection): void {
    this.#parts.watch.heard(connection)
  }

  onGone(connection: LeanConnection): void {
    this.#gone.wait(connection)
  }

  onClosed(connection: LeanConnection, cause: Error | undefined): void {
    this.#parts.endings.count(cause)
    this.#connections.delete(connection)
    this.#parts.watch.forget(connection)
    this.#parts.events.safeDispatchEvent('connection:close', { detail: connection })
  }

  #forget(handshake: Handshake): RemoteEndpoint | undefined {
    const remote = this.#handshakes.get(handshake)
    this.#handshakes.delete(handshake)
    this.#deadlines.drop(handshake)
    return remote
  }
}

/** Until a handshake hears of them, the errors of a socket concern nobody. */
function ignore(): void {}
