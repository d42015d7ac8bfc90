import { setMaxListeners } from 'node:events'
import type { Connection, Libp2p } from '@libp2p/interface'
import type { Logger } from 'pino'
import type { AdmissionManager } from '../admission/connection-manager.ts'
import type { Clock } from '../clock.ts'
import { peerKey } from '../peers/peer-key.ts'
import { dialInTurn } from './dial.ts'
import { Link, type LinkState, longestRetryMs } from './link.ts'
import { type Member, type Membership, maxMembers } from './members.ts'

/** Why trimming leaves a member alone. */
const protectedAs = 'federation'

export interface FederationParts {
  readonly libp2p: Pick<Libp2p, 'addEventListener' | 'removeEventListener'>
  readonly connections: Pick<AdmissionManager, 'index' | 'openConnection'>
  readonly clock: Clock
  readonly logger: Logger
  /** Default: Math.random. */
  readonly random?: () => number
}

/**
 * The other bootstrap nodes of BOOTSTRAP_PEERS: always reconnected, and never closed for somebody else. That they are in each
 * other's routing tables is kad-dht's work, which takes up every DHT server that identify has introduced; that answers name
 * them, the rendezvous server's. Everything beyond that is Kademlia among the clients: who knows one node learns all of them
 * from its answers, and advertises to all.
 */
export class Federation {
  readonly #links: ReadonlyMap<string, Link>
  readonly #parts: FederationParts
  readonly #stopped = new AbortController()

  constructor(members: readonly Member[], parts: FederationParts) {
    this.#parts = parts
    // one for each dial; Node 20 warns beyond 10
    setMaxListeners(maxMembers, this.#stopped.signal)
    this.#links = new Map(members.map((member) => [member.key, this.#link(member)]))
  }

  /** Members with a connection. */
  get connected(): number {
    return [...this.#links.values()].filter((link) => link.isConnected).length
  }

  /** For a node that listens: those who dial at the same time find each other then. */
  start(): void {
    const { libp2p, connections } = this.#parts
    libp2p.addEventListener('connection:open', this.#onOpen)
    libp2p.addEventListener('connection:close', this.#onClose)
    for (const [key, link] of this.#links) {
      if (connections.index.isConnected(key)) this.#welcome(key, link)
      link.start()
    }
  }

  stop(): void {
    const { libp2p } = this.#parts
    libp2p.removeEventListener('connection:open', this.#onOpen)
    libp2p.removeEventListener('connection:close', this.#onClose)
    this.#stopped.abort()
    for (const link of this.#links.values()) link.stop()
  }

  #link(member: Member): Link {
    const { connections, clock, random = Math.random } = this.#parts
    return new Link(member, {
      clock,
      random,
      dial: (addresses) =>
        dialInTurn(
          addresses,
          (address, signal) => connections.openConnection(address, { signal }),
          clock,
          this.#stopped.signal
        ),
      onState: (of, state) => this.#tell(of, state)
    })
  }

  readonly #onOpen = ({ detail: connection }: CustomEvent<Connection>): void => {
    const key = peerKey(connection.remotePeer)
    const link = this.#links.get(key)
    if (link !== undefined) this.#welcome(key, link)
  }

  readonly #onClose = ({ detail: connection }: CustomEvent<Connection>): void => {
    const key = peerKey(connection.remotePeer)
    if (!this.#parts.connections.index.isConnected(key)) this.#links.get(key)?.closed()
  }

  #welcome(key: string, link: Link): void {
    // forgotten with the last connection
    this.#parts.connections.index.protect(key, protectedAs)
    link.opened()
  }

  #tell({ id, addresses }: Member, state: LinkState): void {
    const { logger } = this.#parts
    const at = addresses.map((address) => address.toString().replace(`/p2p/${id}`, '')).join(', ')
    switch (state.name) {
      case 'connected':
        logger.info(`Bootstrap node ${id} is connected`)
        break
      case 'lost':
        logger.warn(`Bootstrap node ${id} is gone; it is dialed until it is back`)
        break
      case 'unreachable':
        logger.warn(
          `Bootstrap node ${id} cannot be reached at ${at} (${state.reason}); it is dialed at least every ${longestRetryMs / 1000} s`
        )
        break
      case 'another-peer':
        logger.warn(`Bootstrap node ${id} is not who answers at ${at}; correct the peer id in BOOTSTRAP_PEERS`)
    }
  }
}

/** Says what is wrong with the list and starts with the rest; the result stops it. */
export function startFederation({ members, problems }: Membership, parts: FederationParts): () => void {
  for (const problem of problems) parts.logger.warn(problem)
  if (members.length === 0) return () => {}
  const federation = new Federation(members, parts)
  federation.start()
  return () => federation.stop()
}
