import type { GossipSub } from '@libp2p/gossipsub'
import { identify, identifyPush } from '@libp2p/identify'
import type { ComponentLogger, Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/index.ts'
import { BootstrapError } from '../errors.ts'
import type { Identity } from '../identity/identity.ts'
import { PeerDatastore } from '../peers/peer-datastore.ts'
import { pubsub } from '../pubsub/service.ts'
import { type Rendezvous, rendezvous } from '../rendezvous/service.ts'
import { version } from '../version.ts'
import { announceEveryListenAddress, tcpMultiaddr } from './addresses.ts'
import { relay } from './relay/service.ts'

export interface HostServices extends Record<string, unknown> {
  readonly ping: Ping
  readonly pubsub: GossipSub
  readonly rendezvous: Rendezvous
}

export interface Host {
  readonly libp2p: Libp2p<HostServices>
  readonly peers: PeerDatastore
}

export interface HostParts {
  readonly clock: Clock
  readonly libp2pLogger: ComponentLogger
}

/** Go's limit above high water for connections in total (the seed: ConnManagerHighWater + 100). */
export const connectionHeadroom = 100

/** Builds the libp2p node; it opens no socket before `libp2p.start()`. */
export async function createHost(config: Config, identity: Identity, parts: HostParts): Promise<Host> {
  const peers = new PeerDatastore()
  const maxConnections = config.connections.highWater + connectionHeadroom
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
    transports: [tcp()],
    // both are offered; a Go client takes TLS first
    connectionEncrypters: [tls(), noise()],
    streamMuxers: [yamux()],
    // its pings are 6.5 % of a core for each 1,000 connections; yamux's keep-alive finds dead peers
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections,
      maxIncomingPendingConnections: maxConnections,
      // bursts from one address are normal: a gateway, a data centre, a restarted network
      inboundConnectionThreshold: Number.POSITIVE_INFINITY
    },
    // addresses that age away are answers that go missing; what is gone is collected in peers/
    peerStore: { maxAddressAge: Number.POSITIVE_INFINITY, maxPeerAge: Number.POSITIVE_INFINITY },
    services: {
      reachability: announceEveryListenAddress,
      identify: identify(),
      identifyPush: identifyPush(),
      ping: ping(),
      ...(config.relay === undefined ? {} : { relay: relay(config.relay, parts.clock) }),
      pubsub: pubsub(config.gossipsubTopicPrefix),
      rendezvous: rendezvous(parts.clock)
    }
  }
  return { libp2p: await createLibp2p(options), peers }
}

/**
 * Starts to listen.
 *
 * @throws BootstrapError ERR_PORT_TAKEN or ERR_LISTEN
 */
export async function startHost({ libp2p }: Host, config: Config): Promise<void> {
  try {
    await libp2p.start()
  } catch (cause) {
    const facts = { address: config.listenAddresses.join(', '), port: config.port }
    // libp2p 3.3.11 puts the socket's error into a message and drops its code (transport-manager.ts)
    if (String(cause).includes('EADDRINUSE')) throw new BootstrapError('ERR_PORT_TAKEN', facts, { cause })
    if (/listen|EACCES|EADDRNOTAVAIL/.test(String(cause))) throw new BootstrapError('ERR_LISTEN', facts, { cause })
    throw cause
  }
}
