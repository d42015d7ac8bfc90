import type { Identify } from '@libp2p/identify'
import type { ComponentLogger, Libp2p, PeerId } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { type Ping, ping } from '@libp2p/ping'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import type { Logger } from 'pino'
import { AdmissionManager } from '../admission/connection-manager.ts'
import { PrefixGuard } from '../admission/prefix-limits.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/index.ts'
import { Ports } from '../connection/lean/ports.ts'
import { sodiumCrypto } from '../connection/noise-crypto.ts'
import { inboundTls } from '../connection/tls/encrypter.ts'
import { BootstrapError } from '../errors.ts'
import { type Membership, readMembers } from '../federation/members.ts'
import type { Identity } from '../identity/identity.ts'
import { heapLimitBytes } from '../observe/heap-limit.ts'
import { mostConnections, openFileLimit } from '../observe/open-files.ts'
import type { Timings } from '../observe/timings.ts'
import { tellOnlyOfStored } from '../peers/leavers.ts'
import { PeerDatastore } from '../peers/peer-datastore.ts'
import { peerKey } from '../peers/peer-key.ts'
import { type Pubsub, pubsub } from '../pubsub/service.ts'
import { kadProtocol, type Rendezvous, type RendezvousHooks, rendezvous } from '../rendezvous/service.ts'
import { sourceLimits } from '../rendezvous/source-limits.ts'
import { version } from '../version.ts'
import { announceEveryListenAddress, tcpMultiaddr } from './addresses.ts'
import { Liveness, yamuxWithLiveness } from './liveness.ts'
import { type Relay, relay } from './relay/service.ts'
import { type ConnectionStack, leanStack, stockStack } from './stack.ts'

export interface HostServices extends Record<string, unknown> {
  readonly connectionManager: AdmissionManager
  readonly identify: Identify
  readonly ping: Ping
  readonly pubsub: Pubsub
  /** Undefined where the configuration has none. */
  readonly relay?: Relay
  readonly rendezvous: Rendezvous
}

export interface Host {
  readonly liveness: Pick<Liveness, 'isEnding'>
  /** Why handshakes have failed and inbound connections ended; not known on the stock stack. */
  readonly endings: ConnectionStack['endings']
  /** Closes the ports and the inbound connections, while everything else goes on; nothing to do on the stock stack. */
  readonly closePorts: ConnectionStack['closePorts']
  /** Accepted sockets whose handshake waits for its turn; not known on the stock stack. */
  readonly newcomersWaiting: ConnectionStack['newcomersWaiting']
  readonly libp2p: Libp2p<HostServices>
  /** The other bootstrap nodes. */
  readonly membership: Membership
  readonly peers: PeerDatastore
}

export interface HostParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly libp2pLogger: ComponentLogger
  /** Ports that are open already. Default: none. */
  readonly ports?: Ports | undefined
  /** Default: nobody asks how long things take. */
  readonly timings?: Timings | undefined
}

/** V8 gives a process half of its memory at most: an eighth of a small container is for records. */
const recordsShareOfHeap = 0.25

/** As long as libp2p 3.3.11 waits for a dial to all addresses of a peer. */
const maxDialMs = 10_000

/** Builds the libp2p node; it opens no socket before `libp2p.start()`. */
export async function createHost(config: Config, identity: Identity, parts: HostParts): Promise<Host> {
  const peers = new PeerDatastore()
  const liveness = new Liveness(parts.clock)
  // admission and the rendezvous server know nothing of each other: what one learns the other is told here
  let server: Rendezvous | undefined
  let admission: AdmissionManager | undefined
  const limits = {
    ...config.connections,
    maxConnections: mostConnections(config.connections.highWater, openFileLimit())
  }
  // connections can be closed for others, but records have nobody to make room for the heap
  const maxBytes = Math.min(config.providers.maxBytes, heapLimitBytes() * recordsShareOfHeap)
  const providers = { ...config.providers, maxBytes, ...sourceLimits(maxBytes, config.prefixes.exempt) }
  const membership = readMembers(config.bootstrapPeers, identity.peerId)
  const provides = (peer: string) => server?.contacts.isProviding(peer) ?? false
  const hooks: RendezvousHooks = {
    onRequest: (peer) => admission?.index.active(peer, parts.clock.now()),
    onProviding: (peer, providing) => admission?.index.providing(peer, providing),
    alwaysNamed: membership.members.map(({ id }) => id.toMultihash().bytes),
    timings: parts.timings
  }
  const protection = {
    protect: (peer: PeerId, reason: string) => admission?.index.protect(peerKey(peer), reason),
    unprotect: (peer: PeerId, reason: string) => admission?.index.unprotect(peerKey(peer), reason)
  }
  const admissionOnceMade = () => {
    if (admission === undefined) throw new Error('a connection came before there was an admission')
    return admission
  }
  const { ports = new Ports(), timings } = parts
  const stack =
    config.connectionStack === 'lean'
      ? await leanStack(identity.privateKey, {
          clock: parts.clock,
          liveness,
          admission: admissionOnceMade,
          ports,
          timings
        })
      : stockStack()
  const options: Libp2pOptions<HostServices> = {
    start: false,
    privateKey: identity.privateKey,
    nodeInfo: { name: 'powerloom-bootstrap-node', version, userAgent: `powerloom-bootstrap-node/${version}` },
    logger: parts.libp2pLogger,
    datastore: peers,
    addresses: {
      listen: config.listenAddresses.map((ip) => tcpMultiaddr(ip, config.port)),
      ...(config.publicIp === undefined ? {} : { appendAnnounce: [tcpMultiaddr(config.publicIp, config.port)] })
    },
    transports: [stack.transport],
    // both are offered; a Go client takes TLS first, and who is dialled by this node gets Noise, at a fraction of the CPU
    connectionEncrypters: [noise({ crypto: sodiumCrypto }), inboundTls(parts.clock)],
    streamMuxers: [yamuxWithLiveness(liveness)],
    // whoever dials has a deadline of its own; the library's is 6 s, too few for a client on a machine that starves
    connectionManager: { addressDialTimeout: maxDialMs },
    // its pings, all in one tick, are 6.5 % of a core for each 1,000 connections
    connectionMonitor: { enabled: false },
    // addresses that age away are answers that go missing; what is gone is collected in peers/
    peerStore: { maxAddressAge: Number.POSITIVE_INFINITY, maxPeerAge: Number.POSITIVE_INFINITY },
    services: {
      // a service with the key of a component replaces it for all that come after, hence first
      connectionManager: (components) => {
        const { clock, logger } = parts
        tellOnlyOfStored(components, (peer) => peers.hasPeer(peer))
        const prefixes = new PrefixGuard(config.prefixes, clock, logger)
        admission = new AdmissionManager(components, limits, { clock, logger, provides, prefixes })
        return admission
      },
      reachability: announceEveryListenAddress,
      ...stack.services,
      ping: ping(),
      ...(config.relay === undefined ? {} : { relay: relay(config.relay, parts.clock, protection) }),
      pubsub: pubsub(config.gossipsubTopicPrefix, stack.byteProtocols, stack.identifyAgain),
      rendezvous: (components) => {
        server = rendezvous(parts.clock, providers, hooks)(components)
        stack.byteProtocols.set(kadProtocol, server.protocol)
        return server
      }
    }
  }
  const libp2p = await createLibp2p(options)
  const { endings, closePorts, newcomersWaiting } = stack
  return { libp2p, liveness, peers, membership, endings, closePorts, newcomersWaiting }
}

/**
 * Starts to listen, on the sockets that were passed if there are any.
 *
 * @throws BootstrapError ERR_PORT_TAKEN, ERR_LISTEN, ERR_PASSED_SOCKET or ERR_PASSED_TO_STOCK
 */
export async function startHost({ libp2p }: Host, config: Config, ports?: Ports): Promise<void> {
  if (ports?.arePassed === true) {
    if (config.connectionStack === 'stock') throw new BootstrapError('ERR_PASSED_TO_STOCK', {})
    await ports.adopt(config.listenAddresses, config.port)
  }
  try {
    await libp2p.start()
  } catch (cause) {
    const facts = { address: config.listenAddresses.join(', '), port: config.port }
    // libp2p 3.3.11 puts the socket's error into a message and drops its code (transport-manager.ts)
    const reason = String(cause).match(/listen (E[A-Z]+: .+)/)?.[1]
    if (reason?.startsWith('EADDRINUSE') === true) throw new BootstrapError('ERR_PORT_TAKEN', facts, { cause })
    if (reason !== undefined) throw new BootstrapError('ERR_LISTEN', { ...facts, reason }, { cause })
    throw cause
  }
}
