import { createHash } from 'node:crypto'
import type { GossipsubOpts } from '@libp2p/gossipsub'
import type { PeerScoreParams, PeerScoreThresholds, TopicScoreParams } from '@libp2p/gossipsub/score'

/**
 * The network's shared gossipsub parameters. Every node builds gossipsub with them and logs their hash; a node with
 * another hash shapes another mesh.
 */
export const meshParameters = {
  D: 10,
  Dlo: 8,
  Dhi: 16,
  Dscore: 6,
  Dout: 4,
  Dlazy: 10,
  heartbeatInterval: 700,
  mcacheLength: 12,
  mcacheGossip: 6,
  gossipFactor: 0.25,
  opportunisticGraftTicks: 30,
  opportunisticGraftPeers: 4,
  pruneBackoff: 300_000,
  unsubcribeBackoff: 30_000, // the library's spelling
  fanoutTTL: 60_000,
  directConnectTicks: 300,
  prunePeers: 0,
  idontwantMaxMessages: 0,
  floodPublish: true,
  globalSignaturePolicy: 'StrictSign',
  seenTTL: 120_000,
  maxInboundDataLength: 1024 * 1024,
  doPX: false
} as const satisfies Partial<GossipsubOpts>

/** Two of the eight hashed parameters have no option in the JavaScript library: they only act with peer exchange. */
const maxPendingConnections = 256
const maxIHaveLength = 0

/** The first 8 bytes, in hex, of the SHA-256 of eight parameters in the order and spelling of the Go nodes. */
export function parameterHash(parameters: typeof meshParameters): string {
  const { D, Dlo, Dhi, Dlazy, heartbeatInterval, fanoutTTL } = parameters
  const text = `D:${D}_Dlo:${Dlo}_Dhi:${Dhi}_Dlazy:${Dlazy}_HB:${heartbeatInterval}_FB:${fanoutTTL / 1000}_MC:${maxPendingConnections}_MIT:${maxIHaveLength}`
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

const dayMs = 86_400_000

const topicScore: TopicScoreParams = {
  topicWeight: 10,
  timeInMeshWeight: 10,
  timeInMeshQuantum: 1000,
  timeInMeshCap: 10_000,
  firstMessageDeliveriesWeight: 100,
  firstMessageDeliveriesDecay: 0.999,
  firstMessageDeliveriesCap: 10_000,
  meshMessageDeliveriesWeight: 0,
  meshMessageDeliveriesDecay: 0.999,
  meshMessageDeliveriesThreshold: 1,
  meshMessageDeliveriesCap: 1,
  meshMessageDeliveriesActivation: dayMs,
  meshMessageDeliveriesWindow: dayMs,
  meshFailurePenaltyWeight: 0,
  meshFailurePenaltyDecay: 0.9,
  invalidMessageDeliveriesWeight: -100,
  invalidMessageDeliveriesDecay: 0.5
}

/** The two topics of the network. */
export function networkTopics(prefix: string): readonly string[] {
  return [`${prefix}/0`, `${prefix}/all`]
}

export function peerScore(topicPrefix: string, self: string): PeerScoreParams {
  return {
    topics: Object.fromEntries(networkTopics(topicPrefix).map((topic) => [topic, topicScore])),
    topicScoreCap: 100_000,
    appSpecificScore: (peer) => (peer === self ? 100_000 : 10_000),
    appSpecificWeight: 10,
    IPColocationFactorWeight: 0,
    IPColocationFactorThreshold: 1000,
    IPColocationFactorWhitelist: new Set(),
    behaviourPenaltyWeight: 0,
    behaviourPenaltyThreshold: 1000,
    behaviourPenaltyDecay: 0.999,
    decayInterval: 1000,
    decayToZero: 0.01,
    retainScore: 1_800_000
  }
}

export const scoreThresholds: PeerScoreThresholds = {
  gossipThreshold: -100_000,
  publishThreshold: -200_000,
  graylistThreshold: -500_000,
  acceptPXThreshold: 0,
  opportunisticGraftThreshold: 1
}
