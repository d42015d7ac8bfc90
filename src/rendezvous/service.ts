import { createHash } from 'node:crypto'
import {
  type Connection,
  type IdentifyResult,
  type Libp2pEvents,
  type PeerId,
  type Startable,
  type StreamHandler,
  start,
  stop,
  type TypedEventTarget
} from '@libp2p/interface'
import type { AddressManager, Registrar } from '@libp2p/interface-internal'
import { type KadDHT, type KadDHTComponents, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { CODE_P2P } from '@multiformats/multiaddr'
import type { Clock } from '../clock.ts'
import { keyOf } from '../peers/peer-key.ts'
import { withReplaced } from '../seams.ts'
import { type Contact, Contacts } from './contacts.ts'
import { ProviderBook } from './provider-book.ts'
import { answer, type Rooms } from './requests.ts'
import { serveRpcStream } from './rpc-stream.ts'
import { ValueStore } from './value-store.ts'
import type { WirePeer } from './wire.ts'

export const kadProtocol = '/ipfs/kad/1.0.0'

/** Kademlia's k: how many closer peers an answer names. */
const bucketSize = 20
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
  readonly routingTableSize: number
}

/** What the server tells about peers; their keys are those of `peerKey`. */
export interface RendezvousHooks {
  /** The peer asked something. */
  readonly onRequest: (peer: string) => void
  /** The peer has its first provider record, or has lost its last. */
  readonly onProviding: (peer: string, providing: boolean) => void
}

/**
 * The rendezvous server as a libp2p service.
 *
 * `@libp2p/kad-dht` 16.4.5 is built with a registrar that registers our handler in place of its own, which resets
 * streams after 10 s without a message (rpc/index.ts; `incomingMessageTimeout` cannot be set), and answers nothing for
 * a key when one of its providers has left the peer store.
 */
export function rendezvous(clock: Clock, hooks: RendezvousHooks): (components: RendezvousComponents) => Rendezvous {
  return (components) => new RendezvousService(components, clock, hooks)
}

class RendezvousService implements Rendezvous {
  readonly contacts = new Contacts()
  readonly book: ProviderBook
  readonly dht: KadDHT
  readonly #components: RendezvousComponents
  readonly #clock: Clock
  readonly #hooks: RendezvousHooks
  readonly #rooms: Rooms
  #cancelExpiry = () => {}

  constructor(components: RendezvousComponents, clock: Clock, hooks: RendezvousHooks) {
    this.#components = components
    this.#clock = clock
    this.#hooks = hooks
    this.book = new ProviderBook(this.contacts, hooks.onProviding)
    this.#rooms = {
      contacts: this.contacts,
      book: this.book,
      values: new ValueStore(),
      closerPeers: (key, except) => this.#closerPeers(key, except),
      self: () => this.#self(),
      // wall time that does not jump: records outlive neither a clock change nor this process
      nowMs: () => performance.timeOrigin + clock.now()
    }
    this.dht = kadDHT({
      protocol: kadProtocol,
      clientMode: false,
      peerInfoMapper: passthroughMapper,
      // nobody but clients is here at first: a search of our own has nobody to ask and must not delay the start
      allowQueryWithZeroPeers: true
    })(withReplaced(components, { registrar: registrarWithHandler(components.registrar, this.#serve) }))
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
    await stop(this.dht)
    // kad-dht 16.4.5 leaves its protocol registered
    await registrar.unhandle(kadProtocol)
  }

  readonly #expireRecords = (): void => {
    this.book.expire(this.#rooms.nowMs())
    this.#cancelExpiry = this.#clock.after(expiryIntervalMs, this.#expireRecords)
  }

  readonly #serve: StreamHandler = (stream, connection) => {
    const from = connection.remotePeer.toMultihash().bytes
    const key = keyOf(from)
    serveRpcStream(stream, {
      clock: this.#clock,
      answer: (request) => {
        this.#hooks.onRequest(key)
        return answer(request, from, this.#rooms)
      }
    })
  }

  readonly #onOpen = (event: CustomEvent<Connection>): void => {
    this.contacts.connected(event.detail.remotePeer.toMultihash().bytes)
  }

  readonly #onClose = (event: CustomEvent<Connection>): void => {
    this.contacts.disconnected(event.detail.remotePeer.toMultihash().bytes)
  }

  readonly #onIdentify = (event: CustomEvent<IdentifyResult>): void => {
    const { peerId, signedPeerRecord, listenAddrs } = event.detail
    const addrs = signedPeerRecord?.addresses ?? listenAddrs
    this.contacts.identified(
      peerId.toMultihash().bytes,
      addrs.map(({ bytes }) => bytes)
    )
  }

  #closerPeers(key: Uint8Array, except: Uint8Array): readonly Contact[] {
    const table = routingTable(this.dht)
    if (table.size === 0) return []
    const kadId = createHash('sha256').update(key).digest()
    const self = this.#components.peerId
    return table
      .closestPeers(kadId, { count: bucketSize + 1 })
      .filter((peer) => !peer.equals(self))
      .map((peer) => this.contacts.get(peer.toMultihash().bytes))
      .filter((contact) => contact !== undefined)
      .filter(({ id }) => Buffer.compare(id, except) !== 0)
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

/** The parts of kad-dht's routing table that are public on the class but not in its interface. */
interface RoutingTable {
  readonly size: number
  closestPeers(kadId: Uint8Array, options: { count: number }): PeerId[]
}

function routingTable(dht: KadDHT): RoutingTable {
  return (dht as unknown as { routingTable: RoutingTable }).routingTable
}

/** Registers `handler` wherever the library registers a handler for kad. */
function registrarWithHandler(registrar: Registrar, handler: StreamHandler): Registrar {
  const handle: Registrar['handle'] = (protocol, _theirs, options) =>
    registrar.handle(protocol, handler, { ...options, maxInboundStreams })
  return withReplaced(registrar, { handle })
}
