import type { Connection, StreamHandler, StreamHandlerOptions, Topology } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import type { ByteProtocol, ByteStream, ByteStreamHandler } from '../connection/byte-stream.ts'
import { asStreamHandler } from '../connection/stock-stream.ts'

/** A Go peer opens one meshsub stream a connection; another replaces it. */
const maxInboundStreams = 4
/** What a peer may say on a stream that nobody listens to: its topics, and when they change. A Go client says some 200 bytes. */
const maxAnnouncedBytes = 1024 * 1024

export interface TopicGateParts {
  readonly registrar: Registrar
  /** Protocols that lean connections serve on streams of little cost. */
  readonly byteProtocols: Map<string, ByteProtocol>
  readonly connections: () => Iterable<Connection>
  /** What a peer speaks; empty: it is not known yet, and the registrar introduces the peer once it is. */
  readonly protocolsOf: (connection: Connection) => Promise<readonly string[]>
}

/**
 * The registrar as gossipsub sees it. While this node joins no topic the gate is shut: gossipsub hears of no peer, and
 * the streams that peers open to it end in a sink that reads and drops what they announce. So gossipsub 17.1.1 keeps no
 * state that outlives a peer (it leaks a score entry for each distinct one), queues behind no silent peer and takes
 * nobody for gone whose first identify did not list meshsub yet. A node without topics is invisible to the mesh either
 * way. The first subscription opens the gate: gossipsub's own handlers take over and peers open their streams anew.
 */
export class TopicGate implements Pick<Registrar, 'handle' | 'unhandle' | 'register' | 'unregister'> {
  readonly #parts: TopicGateParts
  readonly #handlers = new Map<string, { handler: StreamHandler; options: StreamHandlerOptions | undefined }>()
  readonly #topologies = new Map<string, { protocol: string; topology: Topology; id: string | undefined }>()
  readonly #sunk = new Set<ByteStream>()
  readonly #sink: ByteProtocol = { maxInboundStreams, open: (stream) => new Sink(stream, this.#sunk) }
  #isOpen = false
  #nextId = 0

  constructor(parts: TopicGateParts) {
    this.#parts = parts
  }

  /** Streams in the sink. */
  get sunk(): number {
    return this.#sunk.size
  }

  async handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void> {
    const { registrar, byteProtocols } = this.#parts
    this.#handlers.set(protocol, { handler, options })
    if (this.#isOpen) {
      await registrar.handle(protocol, handler, options)
      return
    }
    byteProtocols.set(protocol, this.#sink)
    await registrar.handle(protocol, asStreamHandler(this.#sink), { ...options, maxInboundStreams })
  }

  async unhandle(protocol: string): Promise<void> {
    this.#handlers.delete(protocol)
    this.#parts.byteProtocols.delete(protocol)
    await this.#parts.registrar.unhandle(protocol)
  }

  async register(protocol: string, topology: Topology): Promise<string> {
    const gateId = `gate-${this.#nextId++}`
    const id = this.#isOpen ? await this.#parts.registrar.register(protocol, topology) : undefined
    this.#topologies.set(gateId, { protocol, topology, id })
    return gateId
  }

  unregister(gateId: string): void {
    const id = this.#topologies.get(gateId)?.id
    this.#topologies.delete(gateId)
    if (id !== undefined) this.#parts.registrar.unregister(id)
  }

  /** From now on gossipsub sees every peer. Called with the first subscription; it stays open. */
  async open(): Promise<void> {
    if (this.#isOpen) return
    this.#isOpen = true
    const { registrar, byteProtocols, connections } = this.#parts
    for (const [protocol, { handler, options }] of this.#handlers) {
      byteProtocols.delete(protocol)
      await registrar.handle(protocol, handler, { ...options, force: true })
    }
    for (const entry of this.#topologies.values()) {
      entry.id = await registrar.register(entry.protocol, entry.topology)
    }
    for (const connection of [...connections()]) await this.#introduce(connection)
    // a Go peer whose stream ends while it is connected opens another, with all its subscriptions
    for (const stream of [...this.#sunk]) stream.reset('this node joins a topic')
  }

  async #introduce(connection: Connection): Promise<void> {
    const protocols = await this.#parts.protocolsOf(connection)
    const known = [...this.#topologies.values()].find(({ protocol }) => protocols.includes(protocol))
    await known?.topology.onConnect?.(connection.remotePeer, connection)
  }
}

/** Reads and drops what a peer announces. */
class Sink implements ByteStreamHandler {
  readonly #stream: ByteStream
  readonly #sunk: Set<ByteStream>
  #leftBytes = maxAnnouncedBytes

  constructor(stream: ByteStream, sunk: Set<ByteStream>) {
    this.#stream = stream
    this.#sunk = sunk
    sunk.add(stream)
  }

  onData(bytes: Uint8Array): void {
    this.#leftBytes -= bytes.length
    if (this.#leftBytes < 0) this.#stream.reset(`more than ${maxAnnouncedBytes} bytes about topics`)
  }

  onDrain(): void {}

  onEnd(): void {
    this.#stream.close()
  }

  onClose(): void {
    this.#sunk.delete(this.#stream)
  }
}
