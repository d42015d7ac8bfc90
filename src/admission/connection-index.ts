import type { Connection, Libp2pEvents, TypedEventTarget } from '@libp2p/interface'

/**
 * The connections that are open, counted as they come and go, so that nobody has to ask libp2p 3.3.11 for all of them:
 * its `getConnections()` takes 15 ms at 10,000 and grows with the square.
 */
export class ConnectionIndex {
  readonly #byPeer = new Map<string, number>()
  readonly #events: TypedEventTarget<Libp2pEvents>
  #connections = 0

  constructor(events: TypedEventTarget<Libp2pEvents>) {
    this.#events = events
    events.addEventListener('connection:open', this.#onOpen)
    events.addEventListener('connection:close', this.#onClose)
  }

  get connections(): number {
    return this.#connections
  }

  /** Peers with at least one connection. */
  get connectedPeers(): number {
    return this.#byPeer.size
  }

  /** @param peer the text form of a peer id */
  isConnected(peer: string): boolean {
    return this.#byPeer.has(peer)
  }

  close(): void {
    this.#events.removeEventListener('connection:open', this.#onOpen)
    this.#events.removeEventListener('connection:close', this.#onClose)
  }

  readonly #onOpen = ({ detail }: CustomEvent<Connection>): void => {
    const peer = detail.remotePeer.toString()
    this.#byPeer.set(peer, (this.#byPeer.get(peer) ?? 0) + 1)
    this.#connections++
  }

  readonly #onClose = ({ detail }: CustomEvent<Connection>): void => {
    const peer = detail.remotePeer.toString()
    const rest = (this.#byPeer.get(peer) ?? 0) - 1
    if (rest < 0) return
    this.#connections--
    if (rest > 0) this.#byPeer.set(peer, rest)
    else this.#byPeer.delete(peer)
  }
}
