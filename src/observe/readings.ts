import type { AdmissionManager } from '../admission/connection-manager.ts'
import type { Host } from '../host/host.ts'
import type { State, StateHealth } from '../state/state.ts'
import type { EventLoopDelay } from './event-loop.ts'

/** What the rooms of a node count for themselves. To read one is O(1), or O(the reasons or members that there are). */
export interface Readings {
  readonly admission: Pick<
    AdmissionManager,
    'index' | 'limits' | 'handshakes' | 'waits' | 'refusals' | 'evictions' | 'tlsDeclined'
  >
  /** Undefined on the stock stack. */
  readonly endings: Host['endings']
  readonly rendezvous: Pick<Host['libp2p']['services']['rendezvous'], 'book' | 'contacts' | 'routingTableSize'>
  readonly peers: Pick<Host['peers'], 'peerCount'>
  /** Undefined where the configuration has none. */
  readonly relay: Host['libp2p']['services']['relay']
  readonly pubsub: Pick<Host['libp2p']['services']['pubsub'], 'gate' | 'getPeers' | 'getTopics'>
  readonly federation: { readonly members: number; readonly connected: () => number }
  /** Undefined without a DATA_DIR. */
  readonly state: () => StateHealth | undefined
  /** Within the last 30 to 60 s. */
  readonly eventLoopDelay: () => EventLoopDelay
}

export function readingsOf(
  { libp2p, endings, peers, membership }: Host,
  state: State | undefined,
  eventLoopDelay: () => EventLoopDelay
): Readings {
  const { connectionManager: admission, rendezvous, relay, pubsub } = libp2p.services
  const { members } = membership
  const connected = () => members.filter(({ key }) => admission.index.isConnected(key)).length
  return {
    admission,
    endings,
    rendezvous,
    peers,
    relay,
    pubsub,
    federation: { members: members.length, connected },
    state: () => state?.health(),
    eventLoopDelay
  }
}
