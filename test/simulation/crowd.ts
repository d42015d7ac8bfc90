import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type Connection,
  type IdentifyResult,
  type Libp2pEvents,
  type PeerId,
  TypedEventEmitter,
  type TypedEventTarget
} from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { streamPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import * as Digest from 'multiformats/hashes/digest'
import type { BootstrapNode } from '../../src/bootstrap-node.ts'
import { addProvider, getProviders } from './kad-messages.ts'

const kadProtocol = '/ipfs/kad/1.0.0'
/** What a Go client of the network serves: it is a client of the DHT. */
export const protocols = [
  '/ipfs/id/1.0.0',
  '/ipfs/id/push/1.0.0',
  '/ipfs/ping/1.0.0',
  '/meshsub/1.2.0',
  '/meshsub/1.1.0'
]
/** Peers that do something before the event loop gets its turn: as many as one read of the sockets brings at worst. */
const atOnce = 100

interface Components {
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly registrar: Registrar
}

/** A peer with a connection that nothing carries: it is open because it says so. */
export class SimulatedPeer extends TypedEventEmitter<Record<string, Event>> {
  status: Connection['status'] = 'open'
  readonly direction = 'inbound'
  readonly streams: [] = []
  readonly limits = undefined
  readonly remoteAddr
  readonly #components: Components

  constructor(
    readonly id: string,
    readonly remotePeer: PeerId,
    ip: string,
    components: Components
  ) {
    super()
    this.remoteAddr = multiaddr(`/ip4/${ip}/tcp/30000/p2p/${remotePeer}`)
    this.#components = components
  }

  get connection(): Connection {
    return this as unknown as Connection
  }

  /** It has nobody who answers. */
  newStream(): Promise<never> {
    return Promise.reject(new Error('a simulated peer'))
  }

  abort(): void {
    this.close()
  }

  close(): void {
    if (this.status === 'closed') return
    this.status = 'closed'
    this.#components.events.safeDispatchEvent('connection:close', { detail: this.connection })
    this.dispatchEvent(new Event('close'))
  }

  /** Sends one kad request on a stream of its own; the answer's bytes, if there is one. */
  async ask(request: Uint8Array, hasAnswer: boolean): Promise<Uint8Array | undefined> {
    const [near, far] = await streamPair()
    const answered = new Promise<Uint8Array>((resolve) => {
      near.addEventListener('message', ({ data }) => resolve(data.subarray()), { once: true })
    })
    const { handler } = this.#components.registrar.getHandler(kadProtocol)
    await handler(far, this.connection)
    near.send(request)
    const answer = hasAnswer ? await answered : undefined
    await near.close()
    return answer
  }
}

/** Peers by the ten thousands around a node, without a socket. */
export class Crowd {
  readonly peers: SimulatedPeer[] = []
  readonly #node: BootstrapNode
  readonly #components: Components
  #made = 0

  constructor(node: BootstrapNode) {
    this.#node = node
    this.#components = (node.libp2p as unknown as { components: Components }).components
  }

  /** Makes peers that are not here yet, sixteen to an address prefix. */
  make(count: number): SimulatedPeer[] {
    return Array.from({ length: count }, () => {
      const n = this.#made++
      const ip = `${11 + ((n >> 20) & 63)}.${(n >> 12) & 255}.${(n >> 4) & 255}.${n & 15}`
      return new SimulatedPeer(`simulated-${n}`, newPeerId(), ip, this.#components)
    })
  }

  /** They come the way of an inbound connection: admission, connection:open, identify. */
  async join(peers: readonly SimulatedPeer[]): Promise<void> {
    const { events } = this.#components
    const { connectionManager } = this.#node.libp2p.services
    for (const [i, peer] of peers.entries()) {
      if (!connectionManager.acceptIncomingConnection()) throw new Error('a simulated peer was not let in')
      events.safeDispatchEvent('connection:open', { detail: peer.connection })
      connectionManager.afterUpgradeInbound()
      const result = { peerId: peer.remotePeer, protocols, listenAddrs: [peer.remoteAddr], connection: peer.connection }
      events.safeDispatchEvent('peer:identify', { detail: result as unknown as IdentifyResult })
      this.peers.push(peer)
      if (i % atOnce === 0) await nextTurn()
    }
  }

  /** Those who came first leave. */
  async leave(count: number): Promise<void> {
    for (const [i, peer] of this.peers.splice(0, count).entries()) {
      peer.close()
      if (i % atOnce === 0) await nextTurn()
    }
  }

  provide(peer: SimulatedPeer, key: string): Promise<unknown> {
    return peer.ask(addProvider(key, peer.remotePeer, peer.remoteAddr.bytes), false)
  }

  /** @returns bytes of the answer */
  async find(peer: SimulatedPeer, key: string): Promise<number> {
    return (await peer.ask(getProviders(key), true))?.length ?? 0
  }
}

/** Of an Ed25519 key that nobody has. */
function newPeerId(): PeerId {
  const publicKey = Uint8Array.of(0x08, 0x01, 0x12, 0x20, ...randomBytes(32))
  return peerIdFromMultihash(Digest.create(0x00, publicKey))
}
