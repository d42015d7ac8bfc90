import type { Socket } from 'node:net'
import type { PeerId } from '@libp2p/interface'
import { ConnectionEnd } from '../endings.ts'
import { Responder } from '../negotiation/multistream.ts'
import { chooseStreamMuxer, NoiseResponder, type NoiseSession } from '../noise/handshake.ts'
import { MessageReader } from '../noise/message-reader.ts'
import { NoiseRecords } from '../noise/records.ts'
import { noiseProtocol, tlsProtocol, yamuxProtocol } from '../protocols.ts'
import { identityOf, secured, serverSocket } from '../tls/server-socket.ts'
import type { Credentials } from './credentials.ts'
import { type ChannelOwner, SocketChannel } from './socket-channel.ts'

export interface Handshaken {
  /** Encrypted; whoever takes it makes itself its owner at once. */
  readonly channel: SocketChannel
  readonly remotePeer: PeerId
  /** The security protocol. */
  readonly encryption: string
}

export interface HandshakeEvents {
  /** Asked once, when the peer proposes TLS: it may then propose something else. */
  mayUseTls(handshake: Handshake): boolean
  /** What comes next costs CPU: {@link Handshake.proceed} is to be called, soon. */
  onHeavy(handshake: Handshake): void
  onDone(handshake: Handshake, result: Handshaken): void
  /** The socket is closed by now. */
  onFailed(handshake: Handshake, cause: Error): void
}

const none = new Uint8Array(0)
const isMuxer = (protocol: string) => protocol === yamuxProtocol

/**
 * The way of an accepted socket to a connection: a security protocol is agreed on, the two prove who they are, and agree on
 * yamux, which most do within the proof (libp2p specification, connections/inlined-muxer-negotiation.md). Knows no time:
 * whoever holds it ends it with {@link abort} at its deadline.
 */
export class Handshake implements ChannelOwner {
  readonly #credentials: Credentials
  readonly #events: HandshakeEvents
  #channel: SocketChannel
  /** The socket while TLS has it. */
  #tls: { destroy(): unknown } | undefined
  /** Where the bytes go at this stage. */
  #advance: (bytes: Uint8Array) => void
  #over = false
  #heavy: (() => void) | undefined
  /** Known once the peer has proposed it. */
  #offersTls: boolean | undefined
  /** What it means when the peer closes at this stage. */
  #leavesAs: 'peer-left' | 'tls-declined' = 'peer-left'

  constructor(socket: Socket, credentials: Credentials, events: HandshakeEvents) {
    this.#credentials = credentials
    this.#events = events
    this.#advance = this.#negotiate(this.#isOffered, (protocol, rest) => {
      this.#leavesAs = 'peer-left'
      this.#advance = protocol === noiseProtocol ? this.#awaitNoise() : this.#awaitClientHello()
      if (rest.length > 0) this.#advance(rest)
    })
    this.#channel = new SocketChannel(socket, this)
  }

  /** Reads what the peer says; nothing is read before. */
  begin(): void {
    if (!this.#over) this.#channel.resume()
  }

  /** Does the work that was announced. */
  proceed(): void {
    const work = this.#heavy
    this.#heavy = undefined
    if (this.#over || work === undefined) return
    try {
      work()
    } catch (error) {
      this.abort(error as Error)
    }
  }

  abort(cause: Error): void {
    if (this.#over) return
    this.#over = true
    if (this.#tls === undefined) {
      this.#channel.destroy()
    } else {
      // takes the socket along. Closed before it, the socket would make TLS free its state at once, which may well be in
      // use below on the stack: Node 20 and 24 (_tls_wrap.js) end with a segmentation fault then
      this.#tls.destroy()
    }
    this.#events.onFailed(this, cause)
  }

  onBytes(bytes: Uint8Array): void {
    try {
      this.#advance(bytes)
    } catch (error) {
      this.abort(error as Error)
    }
  }

  onDrain(): void {}

  onClose(cause: Error | undefined): void {
    this.abort(cause ?? new ConnectionEnd(this.#leavesAs, 'the peer closed the connection during the handshake'))
  }

  readonly #isOffered = (protocol: string): boolean => {
    if (protocol !== tlsProtocol) return protocol === noiseProtocol
    this.#offersTls ??= this.#events.mayUseTls(this)
    if (!this.#offersTls) this.#leavesAs = 'tls-declined'
    return this.#offersTls
  }

  #negotiate(
    isSupported: (protocol: string) => boolean,
    onSelected: (protocol: string, rest: Uint8Array) => void
  ): (bytes: Uint8Array) => void {
    const responder = new Responder(isSupported)
    return (bytes) => {
      const selected = responder.push(bytes, (answer) => this.#channel.write(answer))
      if (selected !== undefined) onSelected(selected.protocol, selected.rest)
    }
  }

  /**
   * Has `work` done in a turn of its own: who is connected is not to wait while hundreds prove at once who they are.
   * Nothing more is read before.
   */
  #inTurn(work: () => void): void {
    this.#channel.pause()
    this.#heavy = () => {
      this.#channel.resume()
      work()
    }
    this.#events.onHeavy(this)
  }

  #awaitClientHello(): (bytes: Uint8Array) => void {
    return (bytes) => {
      const hello = Uint8Array.from(bytes)
      this.#inTurn(() => {
        this.#secureByTls(hello).catch((error: Error) => this.abort(error))
      })
    }
  }

  async #secureByTls(hello: Uint8Array): Promise<void> {
    const socket = serverSocket(this.#channel.release(hello), this.#credentials.tls, isMuxer)
    this.#tls = socket
    // also told to `secured`, and asked for below
    socket.on('error', ignore)
    await secured(socket)
    await new Promise<void>((resolve) => {
      this.#heavy = resolve
      this.#events.onHeavy(this)
    })
    throwIfGone(socket)
    const remotePeer = await identityOf(socket)
    // what ended it meanwhile, maybe an abort, is told to nobody who listens from now on
    throwIfGone(socket)
    socket.off('error', ignore)
    this.#tls = undefined
    this.#channel = new SocketChannel(socket, this)
    this.#secured(remotePeer, tlsProtocol, isMuxer(socket.alpnProtocol || ''), none)
  }

  #awaitNoise(): (bytes: Uint8Array) => void {
    // its keys cost 20 µs: not for who says no more than that it would like Noise
    let noise: NoiseResponder | undefined
    const messages = new MessageReader()
    const read = () => {
      for (;;) {
        const message = messages.next()
        if (message === undefined) return
        noise ??= new NoiseResponder(this.#credentials.noise)
        const reply = noise.read(message)
        if (reply === undefined) return this.#verify(noise, messages.rest())
        this.#channel.write(reply)
      }
    }
    return (bytes) => {
      messages.push(bytes)
      this.#inTurn(read)
    }
  }

  #verify(noise: NoiseResponder, rest: Uint8Array): void {
    const session = noise.finish()
    if (!(session instanceof Promise)) {
      this.#securedByNoise(session, rest)
      return
    }
    // a signature that takes its time; what the peer sends meanwhile waits in the socket
    this.#channel.pause()
    session.then(
      (verified) => {
        if (this.#over) return
        this.#securedByNoise(verified, rest)
        this.#channel.resume()
      },
      (error: Error) => this.abort(error)
    )
  }

  #securedByNoise(session: NoiseSession, rest: Uint8Array): void {
    this.#channel.encrypt(new NoiseRecords(session))
    const muxer = chooseStreamMuxer(session.extensions.streamMuxers, [yamuxProtocol])
    this.#secured(session.remotePeer, noiseProtocol, muxer !== undefined, rest)
  }

  /** @param rest encrypted bytes that came already */
  #secured(remotePeer: PeerId, encryption: string, hasMuxer: boolean, rest: Uint8Array): void {
    const finish = (unread: Uint8Array) => {
      this.#over = true
      const channel = this.#channel
      this.#events.onDone(this, { channel, remotePeer, encryption })
      if (unread.length > 0 && !channel.closed) channel.owner.onBytes(unread)
    }
    if (hasMuxer) finish(none)
    else this.#advance = this.#negotiate(isMuxer, (_protocol, unread) => finish(unread))
    if (rest.length > 0) this.#channel.received(rest)
  }
}

/** For a socket whose errors somebody else is told, or will ask for. */
function ignore(): void {}

function throwIfGone(socket: Socket): void {
  if (socket.destroyed) throw socket.errored ?? new ConnectionEnd('peer-left', 'the peer left before it was verified')
}
