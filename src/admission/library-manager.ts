import type {
  AbortOptions,
  Connection,
  DialTarget,
  IsDialableOptions,
  MultiaddrConnection,
  NewStreamOptions,
  PeerId,
  PendingDial,
  Startable,
  Stream
} from '@libp2p/interface'
import type { ConnectionManager, OpenConnectionOptions } from '@libp2p/interface-internal'
import type { PeerMap } from '@libp2p/peer-collections'
import type { Multiaddr } from '@multiformats/multiaddr'

/** libp2p's connection manager with what stays its own, dialing and the connections of a peer; who comes in is for others to say. */
export abstract class LibraryManager implements ConnectionManager {
  readonly [Symbol.toStringTag] = 'admission'
  protected readonly inner: ConnectionManager & Startable

  constructor(inner: ConnectionManager) {
    this.inner = inner as ConnectionManager & Startable
  }

  abstract acceptIncomingConnection(connection?: MultiaddrConnection): boolean
  abstract afterUpgradeInbound(): void
  abstract openConnection(peer: DialTarget, options?: OpenConnectionOptions): Promise<Connection>
  abstract getConnections(peer?: PeerId): Connection[]
  abstract getMaxConnections(): number

  /** The limits are the configuration's, for the life of the node. */
  setMaxConnections(): void {}

  async openStream(
    peer: DialTarget,
    protocol: string | string[],
    options?: OpenConnectionOptions & NewStreamOptions
  ): Promise<Stream> {
    const connection = await this.openConnection(peer, options)
    return connection.newStream(protocol, options)
  }

  getConnectionsMap(): PeerMap<Connection[]> {
    return this.inner.getConnectionsMap()
  }

  closeConnections(peer: PeerId, options?: AbortOptions): Promise<void> {
    return this.inner.closeConnections(peer, options)
  }

  getDialQueue(): PendingDial[] {
    return this.inner.getDialQueue()
  }

  isDialable(multiaddr: Multiaddr | Multiaddr[], options?: IsDialableOptions): Promise<boolean> {
    return this.inner.isDialable(multiaddr, options)
  }
}
