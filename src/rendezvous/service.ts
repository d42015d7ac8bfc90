import {
  type Connection,
  type IdentifyResult,
  type Libp2pEvents,
  type PeerId,
  type Startable,
  start,
  stop,
  type TypedEventTarget
} from '@libp2p/interface'
import type { AddressManager, Registrar } from '@libp2p/interface-internal'
import { type KadDHT, type KadDHTComponents, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { CODE_P2P } from '@multiformats/multiaddr'
import { type Clock, wallMs } from '../clock.ts'
import type { ByteProtocol, ByteStream, ByteStreamHandler } from '../connection/byte-stream.ts'
import { addressBytesOf } from '../connection/identify/result.ts'
import { asStreamHandler } from '../connection/stock-stream.ts'
import type { Timings } from '../observe/timings.ts'
import { remotePrefixOf } from '../peers/address-prefix.ts'
import { keyOf, peerKey } from '../peers/peer-key.ts'
import { withReplaced } from '../seams.ts'
import { bucketSize, closestIn, type RoutingTable } from './closest.ts'
import { connectedOnly } from './connected-only.ts'
import { type Contact, Contacts } from './contacts.ts'
import { ProviderBook, type ProviderLimits } from './provider-book.ts'
import { answer, type Rooms } from './requests.ts'
import { RpcBudget } from './rpc-budget.ts'
import { type Answerer, type Client, RpcServer } from './rpc-stream.ts'
import { ValueStore } from './value-store.ts'
import type { WirePeer } from './wire.ts'

export const kadProtocol = '/ipfs/kad/1.0.0'

/** One is what a Go client keeps open; the rest is room for several queries at once. */
const maxInboundStreams = 32
/** Records end when they are looked at, and at this interval at the latest. */
const expiryIntervalMs = 60_000

export interface RendezvousComponents extends KadDHTComponents {
  events: TypedEventTarget<Libp2pEvents>
  registrar: Registrar
  addressManager: AddressManager
  peerId: PeerId
}

/** The DHT of the library with our server side: its routing table and queries, our answers. */
export interface Rendezvous extends Startable {
  readonly dht: KadDHT
  readonly contacts: Contacts
  readonly book: ProviderBook
  /** How kad is served, for connections that carry streams themselves. */
  readonly protocol: ByteProtocol
  readonly routingTableSize: number
  /** Who is told of each connection; one at most. */
  observer: ConnectionObserver | undefined
}

export interface ConnectionObserver {
  opened(contact: Contact): void
  /** Told before what is said of the peer is forgotten. */
  closing(contact: Contact, connection: Connection): void
}

/** What the server tells about peers; their keys are those of `peerKey`. */
export interface RendezvousHooks {
  /** The peer asked something. */
  readonly onRequest: (peer: string) => void
  /** The peer has its first provider record, or has lost its last. */
  readonly onProviding: (peer: string, providing: boolean) => void
  /** Ids of peers that answers name before all others while they are connected. */
  readonly alwaysNamed?: readonly Uint8Array[]
  /** Default: nobody asks how long requests take. */
  readonly timings?: Timings | undefined
}

/**
 * The rendezvous server as a libp2p service.
 *
 * `@libp2p/kad-dht` 16.4.5 is built with a registrar that registers our handler in place of its own, which resets
 * streams after 10 s without a message (rpc/index.ts; `incomingMessageTimeout` cannot be set), and answers nothing for
 * a key when one of its providers has left the peer store.
 */
export function rendezvous(
  clock: Clock,
  limits: ProviderLimits,
  hooks: RendezvousHooks
): (components: RendezvousComponents) => Rendezvous {
  return (components) => new RendezvousService(components, clock, limits, hooks)
}

class RendezvousService implements Rendezvous {
  readonly contacts = new Contacts()
  readonly book: ProviderBook
  readonly dht: KadDHT
  readonly protocol: ByteProtocol
  observer: ConnectionObserver | undefined
  readonly #components: RendezvousComponents
  readonly #clock: Clock
  readonly #rooms: Rooms
  readonly #server: RpcServer
  readonly #alwaysNamed: readonly Uint8Array[]
  #cancelExpiry = () => {}

  constructor(components: RendezvousComponents, clock: Clock, limits: ProviderLimits, hooks: RendezvousHooks) {
    this.#components = components
    this.#clock = clock
    this.#alwaysNamed = hooks.alwaysNamed ?? []
    this.book = new ProviderBook(this.contacts, hooks.onProviding, limits)
    this.#rooms = {
      contacts: this.contacts,
      book: this.book,
      values: new ValueStore(),
      closerPeers: (key, except) => this.#closerPeers(key, except),
      selfKey: peerKey(components.peerId),
      self: () => this.#self(),
      nowMs: () => wallMs(clock)
    }
    const answerTo: Answerer = (request, client) => {
      hooks.onRequest(client.key)
      return answer(request, client, this.#rooms)
    }
    this.#server = new RpcServer(clock, answerTo, { timings: hooks.timings })
    this.protocol = { maxInboundStreams, open: (stream, connection) => this.#open(stream, connection) }
    const toConnected = withReplaced(components, { connectionManager: connectedOnly(components.connectionManager) })
    const registrar = registrarServing(components.registrar, this.protocol)
    this.dht = kadDHT({
      protocol: kadProtocol,
      clientMode: false,
      peerInfoMapper: passthroughMapper,
      // nobody but clients is here at first: a search of our own has nobody to ask and must not delay the start
      allowQueryWithZeroPeers: true
    })(withReplaced(toConnected, { registrar, ping: ping()(toConnected) }))
  }

  readonly [Symbol.toStringTag] = 'rendezvous'

  get routingTableSize(): number {
    return routingTable(this.dht).size
  }

  async start(): Promise<void> {
    const { events } = this.#components
    events.addEventListener('connection:open', this.#onOpen)
    events.addEventListener('connection:close', this.#onClose)
    events.addEventListener('peer:identify', this.#onIdentify)
    this.#expireRecords()
    await start(this.dht)
  }

  async stop(): Promise<void> {
    const { events, registrar } = this.#components
    this.#cancelExpiry()
    events.removeEventListener('connection:open', this.#onOpen)
    events.removeEventListener('connection:close', this.#onClose)
    events.removeEventListener('peer:identify', this.#onIdentify)
    this.#server.stop()
    await stop(this.dht)
    // kad-dht 16.4.5 leaves its protocol registered
    await registrar.unhandle(kadProtocol)
  }

  readonly #expireRecords = (): void => {
    this.book.expire(this.#rooms.nowMs())
    this.#cancelExpiry = this.#clock.after(expiryIntervalMs, this.#expireRecords)
  }

  #open(stream: ByteStream, connection: Connection): ByteStreamHandler {
    const contact = this.contacts.get(connection.remotePeer.toMultihash().bytes)
    const budget = contact?.budget ?? new RpcBudget(this.#clock.now())
    if (contact !== undefined && contact.connections > 0) contact.budget = budget
    return this.#server.open(stream, new RemoteClient(connection, budget))
  }

  readonly #onOpen = (event: CustomEvent<Connection>): void => {
    const contact = this.contacts.connected(event.detail.remotePeer.toMultihash().bytes)
    this.observer?.opened(contact)
  }

  readonly #onClose = (event: CustomEvent<Connection>): void => {
    const id = event.detail.remotePeer.toMultihash().bytes
    const contact = this.contacts.get(id)
    if (contact !== undefined) this.observer?.closing(contact, event.detail)
    this.contacts.disconnected(id)
  }

  readonly #onIdentify = (event: CustomEvent<IdentifyResult>): void => {
    const { peerId, connection } = event.detail
    this.contacts.identified(peerId.toMultihash().bytes, addressBytesOf(event.detail), connection)
  }

  /**
   * The federated nodes first, whatever their distance: a crowd of strangers near a key must not keep them from the clients, who
   * sort by themselves. One that has left has no contact and is not named until it is back: who fails to dial it does not try
   * again for 5 s and longer (go-libp2p's dial backoff), and would miss its return by that much.
   */
  #closerPeers(key: Uint8Array, except: string): readonly Contact[] {
    const table = routingTable(this.dht)
    if (table.size === 0 && this.#alwaysNamed.length === 0) return []
    const closest = closestIn(table, key, this.#components.peerId)
    const contacts = [...this.#alwaysNamed, ...closest].map((id) => this.contacts.get(id))
    return [...new Set(contacts)]
      .filter((contact) => contact !== undefined)
      .filter((contact) => contact.key !== except)
      .slice(0, bucketSize)
  }

  #self(): WirePeer {
    const { peerId, addressManager } = this.#components
    return {
      id: peerId.toMultihash().bytes,
      addrs: addressManager.getAddresses().map((address) => address.decapsulateCode(CODE_P2P).bytes)
    }
  }
}

function routingTable(dht: KadDHT): RoutingTable {
  return (dht as unknown as { routingTable: RoutingTable }).routingTable
}

/** Serves `protocol` wherever the library registers its handler for kad. */
function registrarServing(registrar: Registrar, protocol: ByteProtocol): Registrar {
  const handler = asStreamHandler(protocol)
  const handle: Registrar['handle'] = (name, _theirs, options) =>
    registrar.handle(name, handler, { ...options, maxInboundStreams })
  return withReplaced(registrar, { handle })
}

/** The other side of a stream. */
class RemoteClient implements Client {
  readonly id: Uint8Array
  readonly key: string
  readonly budget: RpcBudget
  readonly #connection: Connection
  #prefix: string | undefined

  constructor(connection: Connection, budget: RpcBudget) {
    this.id = connection.remotePeer.toMultihash().bytes
    this.key = keyOf(this.id)
    this.budget = budget
    this.#connection = connection
  }

  /** Only providers need it, which are few. */
  get prefix(): string {
    this.#prefix ??= remotePrefixOf(this.#connection)
    return this.#prefix
  }
}
