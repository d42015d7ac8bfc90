import type { Socket } from 'node:net'
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
import type { Timings } from '../../observe/timings.ts'
import type { Origin } from '../../peers/address-prefix.ts'
import { Turns } from '../../turns.ts'
import { ConnectionEnd, type Endings } from '../endings.ts'
import { Backlog } from './backlog.ts'
import { type ConnectionEvents, LeanConnection } from './connection.ts'
import type { Credentials } from './credentials.ts'
import { FairTurns } from './fair-turns.ts'
import { Handshake, type HandshakeEvents, type Handshaken } from './handshake.ts'
import { beginnings, HandshakePace, heavyParts } from './handshake-pace.ts'
import { HandshakeSlots } from './handshake-slots.ts'
import type { OpenPort, PortOwner } from './open-port.ts'
import type { Ports } from './ports.ts'
import { type RemoteEndpoint, remoteEndpoint } from './remote-endpoint.ts'
import type { StreamRouter } from './stream-router.ts'

/** As libp2p's; Go clients give up after 5 s. */
export const handshakeWithinMs = 10_000

/** For who was accepted last: a handshake takes milliseconds, and what follows it a few more. */
export const lastWordsMs = 500

/** A peer that leaves costs some 100 µs in all who hear of it; when thousands do at once, others are served in between. */
const departuresPerTurn = 64

/** Who decides whether a newcomer is let in. */
export interface Admission {
  acceptIncomingConnection(): boolean
  originOf(ip: string): Origin
  /** Whether one more may wait for its handshake, beside so many of its network that have come and are not connections yet. */
  mayWait(from: Origin, handshakes: number): boolean
  /** Whether one more handshake from there may begin now; counts it if so. */
  mayBegin(from: Origin): boolean
  /** Whether TLS is offered, too; counts the handshake as one over TLS if so. */
  mayUseTls(from: Origin): boolean
  /** Such a handshake is over. */
  afterTls(from: Origin): void
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
  readonly ports: Ports
  /** Why handshakes have failed. */
  readonly failures: Endings
  /** Why connections have ended. */
  readonly endings: Endings
  /** Default: nobody asks how long handshakes take. */
  readonly timings?: Timings | undefined
}

/** A socket that admission has let in. */
interface Accepted {
  readonly socket: Socket
  readonly remote: RemoteEndpoint
  readonly from: Origin
  readonly atMs: number
  /** It has been counted as one over TLS. */
  overTls: boolean
}

/** A port on which lean connections arrive. Holds a handshake or a connection for each socket that admission has let in. */
export class LeanListener
  extends TypedEventEmitter<ListenerEvents>
  implements Listener, PortOwner, HandshakeEvents, ConnectionEvents
{
  readonly #parts: ListenerParts
  readonly #handshakes = new Map<Handshake, Accepted>()
  readonly #slots = new HandshakeSlots<Handshake>()
  readonly #deadlines: Deadlines<Handshake>
  readonly #arrived: FairTurns<Accepted>
  readonly #heavy: FairTurns<Handshake>
  readonly #gone = new Turns<LeanConnection>((connection) => connection.leave(), { perTurn: () => departuresPerTurn })
  readonly #connections = new Set<LeanConnection>()
  readonly #backlog = new Backlog<LeanConnection>()
  #address: Multiaddr | undefined
  #port: OpenPort | undefined
  #ended = false

  constructor(parts: ListenerParts) {
    super()
    this.#parts = parts
    this.#deadlines = new Deadlines(parts.clock, handshakeWithinMs, (handshake) => {
      handshake.abort(new ConnectionEnd('deadline', 'the handshake took too long'))
    })
    const { clock } = parts
    const beginning = new HandshakePace(clock, beginnings)
    this.#arrived = new FairTurns((accepted) => this.#begin(accepted), {
      clock,
      perTurn: () => beginning.next(),
      mayGo: (from) => this.#mayBegin(from),
      isClosed: () => !this.#ended && this.#slots.isFull(clock.now()),
      onLost: ({ socket }) => this.#turnAway(socket)
    })
    const heavy = new HandshakePace(clock, heavyParts)
    this.#heavy = new FairTurns((handshake) => handshake.proceed(), {
      clock,
      perTurn: () => heavy.next(),
      onLost: endOverload
    })
  }

  /** Sockets whose peer is not known yet. */
  get handshaking(): number {
    return this.#handshakes.size
  }

  /** Sockets whose handshake waits for its turn. */
  get waiting(): number {
    return this.#arrived.waiting + this.#heavy.waiting
  }

  /** @throws the socket's error, such as EADDRINUSE */
  async listen(address: Multiaddr): Promise<void> {
    this.#address = address
    const { host, port } = getNetConfig(address)
    this.#port = await this.#parts.ports.open(host, port ?? 0)
    this.safeDispatchEvent('listening')
    this.#port.serve(this)
  }

  getAddrs(): Multiaddr[] {
    const bound = this.#port?.address
    return bound === undefined ? [] : getThinWaistAddresses(this.#address, bound.port)
  }

  updateAnnounceAddrs(): void {}

  /**
   * Closes the port and every connection that came through it. Where newcomers can wait in the port for whoever serves it
   * next, those who were accepted may finish what they came for: a Go client whose dial fails may never come back, while one
   * that is cut later dials again.
   */
  async close(): Promise<void> {
    const closed = this.#port?.close()
    if (this.#port?.outlivesUs === true && !this.#ended) {
      await new Promise<void>((resolve) => this.#parts.clock.after(lastWordsMs, resolve))
    }
    this.#ended = true
    const leaving = new ConnectionEnd('closed', 'this node is closing')
    for (const handshake of this.#handshakes.keys()) handshake.abort(leaving)
    for (const connection of this.#connections) connection.abort(leaving)
    await closed
  }

  onError(error: Error): void {
    this.#parts.router.log.error('the listener failed - %e', error)
    this.safeDispatchEvent('error', { detail: error })
  }

  onClose(): void {
    this.safeDispatchEvent('close')
  }

  /** As little as can be: thousands may have to be accepted before anything else is done. */
  onSocket(socket: Socket): void {
    socket.on('error', ignore)
    const remote = remoteEndpoint(socket)
    const admission = this.#parts.admission()
    const from = remote === undefined ? undefined : admission.originOf(remote.ip)
    if (remote === undefined || from === undefined || !this.#mayWait(from) || !admission.acceptIncomingConnection()) {
      socket.destroy()
      return
    }
    const atMs = this.#parts.clock.now()
    if (!this.#arrived.wait({ socket, remote, from, atMs, overTls: false }, from)) this.#turnAway(socket)
  }

  /** Of who was let in and has not begun. */
  #turnAway(socket: Socket): void {
    socket.destroy()
    this.#parts.failures.count(overload)
    this.#parts.admission().afterUpgradeInbound()
  }

  #mayWait(from: Origin): boolean {
    const handshakes = this.#arrived.waitingOf(from) + this.#slots.sizeOf(from)
    return this.#parts.admission().mayWait(from, handshakes)
  }

  #mayBegin(from: Origin): boolean {
    if (this.#ended) return true
    const inTheWay = this.#slots.roomFor(from, this.#parts.clock.now())
    if (inTheWay === 'full' || !this.#parts.admission().mayBegin(from)) return false
    inTheWay?.abort(new ConnectionEnd('stalled', 'the handshake made no progress, and others waited'))
    return true
  }

  #begin(accepted: Accepted): void {
    const { socket } = accepted
    if (this.#ended) {
      socket.destroy()
      this.#parts.admission().afterUpgradeInbound()
      return
    }
    socket.off('error', ignore)
    const handshake = new Handshake(socket, this.#parts.credentials(), this)
    this.#handshakes.set(handshake, accepted)
    this.#slots.add(handshake, accepted.from, this.#parts.clock.now())
    this.#deadlines.set(handshake)
    handshake.begin()
  }

  mayUseTls(handshake: Handshake): boolean {
    const accepted = this.#handshakes.get(handshake)
    if (accepted === undefined) return false
    accepted.overTls = this.#parts.admission().mayUseTls(accepted.from)
    return accepted.overTls
  }

  onHeavy(handshake: Handshake): void {
    const accepted = this.#handshakes.get(handshake)
    if (accepted !== undefined && !this.#heavy.wait(handshake, accepted.from)) endOverload(handshake)
  }

  onDone(handshake: Handshake, result: Handshaken): void {
    const accepted = this.#forget(handshake)
    if (accepted === undefined) return
    if (this.#parts.isSelf(result)) {
      result.channel.destroy()
      this.#parts.failures.count(new ConnectionEnd('self', 'this node has dialled itself'))
    } else {
      const { nextConnectionId, router, clock, watch, events, timings } = this.#parts
      const { remote, atMs } = accepted
      timings?.handshake(result.encryption, clock.now() - atMs)
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

  onHolding(connection: LeanConnection, differenceBytes: number): void {
    this.#backlog.change(connection, differenceBytes)
  }

  onGone(connection: LeanConnection): void {
    this.#gone.goOrWait(connection)
  }

  onClosed(connection: LeanConnection, cause: Error | undefined): void {
    this.#parts.endings.count(cause)
    this.#connections.delete(connection)
    this.#backlog.forget(connection)
    this.#parts.watch.forget(connection)
    this.#parts.events.safeDispatchEvent('connection:close', { detail: connection })
  }

  #forget(handshake: Handshake): Accepted | undefined {
    const accepted = this.#handshakes.get(handshake)
    this.#handshakes.delete(handshake)
    this.#slots.delete(handshake)
    this.#deadlines.drop(handshake)
    if (accepted?.overTls === true) this.#parts.admission().afterTls(accepted.from)
    return accepted
  }
}

/** One for all: its stack says nothing, and takes 20 µs to write down. */
const overload = new ConnectionEnd('overload', 'too many waited for their handshake')

function endOverload(handshake: Handshake): void {
  handshake.abort(overload)
}

/** Until a handshake hears of them, the errors of a socket concern nobody. */
function ignore(): void {}
