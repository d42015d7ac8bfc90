import type { Connection, PeerId, Stream, StreamHandler, StreamHandlerOptions, Topology } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'

/** A Go peer opens one meshsub stream a connection; another replaces it. */
const maxInboundStreams = 4

/**
 * The registrar as gossipsub sees it. While this node joins no topic the gate is shut: gossipsub hears of no peer, and
 * the streams that peers open to it end in a sink that reads and drops what they announce. So gossipsub 17.1.1 keeps no
 * state that outlives a peer (it leaks a score entry for each distinct one), queues behind no silent peer and takes
 * nobody for gone whose first identify did not list meshsub yet. A node without topics is invisible to the mesh either
 * way. The first subscription opens the gate: gossipsub's own handlers take over and peers open their streams anew.
 */
export class TopicGate implements Pick<Registrar, 'handle' | 'unhandle' | 'register' | 'unregister'> {
  readonly #registrar: Registrar
  readonly #connections: () => Iterable<Connection>
  readonly #handlers = new Map<string, { handler: StreamHandler; options: StreamHandlerOptions | undefined }>()
  readonly #topologies = new Map<string, { protocol: string; topology: Topology; id: string | undefined }>()
  readonly #sunk = new Set<Stream>()
  #isOpen = false
  #nextId = 0

  constructor(registrar: Registrar, connections: () => Iterable<Connection>) {
    this.#registrar = registrar
    this.#connections = connections
  }

  /** Streams in the sink. */
  get sunk(): number {
    return this.#sunk.size
  }

  async handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void> {
    this.#handlers.set(protocol, { handler, options })
    await (this.#isOpen
      ? this.#registrar.handle(protocol, handler, options)
      : this.#registrar.handle(protocol, this.#sink, { ...options, maxInboundStreams }))
  }

  async unhandle(protocol: string): Promise<void> {
    this.#handlers.delete(protocol)
    await this.#registrar.unhandle(protocol)
  }

  async register(protocol: string, topology: Topology): Promise<string> {
    const gateId = `gate-${this.#nextId++}`
    const id = this.#isOpen ? await this.#registrar.register(protocol, topology) : undefined
    this.#topologies.set(gateId, { protocol, topology, id })
    return gateId
  }

  unregister(gateId: string): void {
    const id = this.#topologies.get(gateId)?.id
    this.#topologies.delete(gateId)
    if (id !== undefined) this.#registrar.unregister(id)
  }

  /** From now on gossipsub sees every peer. Called with the first subscription; it stays open. */
  async open(protocolsOf: (peer: PeerId) => Promise<readonly string[]>): Promise<void> {
    if (this.#isOpen) return
    this.#isOpen = true
    for (const [protocol, { handler, options }] of this.#handlers) {
      await this.#registrar.handle(protocol, handler, { ...options, force: true })
    }
    for (const entry of this.#topologies.values()) {
      entry.id = await this.#registrar.register(entry.protocol, entry.topology)
    }
    for (const connection of this.#connections()) await this.#introduce(connection, protocolsOf)
    // a Go peer whose stream ends while it is connected opens another, with all its subscriptions
    for (const stream of this.#sunk) stream.abort(new Error('this node joins a topic'))
  }

  async #introduce(connection: Connection, protocolsOf: (peer: PeerId) => Promise<readonly string[]>): Promise<void> {
    // who is not identified yet, or has just left, is not in the peer store; the registrar introduces it when it is
    const protocols = await protocolsOf(connection.remotePeer).catch((): readonly string[] => [])
    const known = [...this.#topologies.values()].find(({ protocol }) => protocols.includes(protocol))
    await known?.topology.onConnect?.(connection.remotePeer, connection)
  }

  readonly #sink: StreamHandler = (stream) => {
    this.#sunk.add(stream)
    stream.addEventListener('message', drop)
    stream.addEventListener('remoteCloseWrite', () => {
      stream.close().catch((cause: Error) => stream.abort(cause))
    })
    stream.addEventListener('close', () => this.#sunk.delete(stream))
  }
}

function drop(): void {}
