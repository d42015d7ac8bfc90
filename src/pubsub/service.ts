import { type GossipSub, type GossipSubComponents, gossipsub, type Message } from '@libp2p/gossipsub'
import type { Connection } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { ByteProtocol } from '../connection/byte-stream.ts'
import { withReplaced } from '../seams.ts'
import { meshParameters, networkTopics, peerScore, scoreThresholds } from './parameters.ts'
import { TopicGate } from './topic-gate.ts'

export type PubsubComponents = GossipSubComponents & { registrar: Registrar; connectionManager: ConnectionManager }

export type Pubsub = GossipSub & { readonly gate: TopicGate }

/**
 * Gossipsub with the network's parameters, constructed and kept as in the Go service, which joins no topic.
 *
 * @param topicPrefix prefix of the network's two topics, the only ones that peers may announce
 * @param byteProtocols where the streams of peers go that lean connections carry, while no topic is joined
 * @param identifyAgain has a peer introduced that is not in the peer store
 */
export function pubsub(
  topicPrefix: string,
  byteProtocols: Map<string, ByteProtocol>,
  identifyAgain: (connection: Connection) => void
): (components: PubsubComponents) => Pubsub {
  return (components) => {
    const { registrar, connectionManager, peerStore } = components
    const protocolsOf = async (connection: Connection): Promise<readonly string[]> => {
      try {
        return (await peerStore.get(connection.remotePeer)).protocols
      } catch {
        identifyAgain(connection)
        return []
      }
    }
    const gate = new TopicGate({
      registrar,
      byteProtocols,
      connections: () => connectionManager.getConnections(),
      protocolsOf
    })
    const service = gossipsub({
      ...meshParameters,
      allowedTopics: [...networkTopics(topicPrefix)],
      msgIdFn: messageId,
      scoreParams: peerScore(topicPrefix, components.peerId.toString()),
      scoreThresholds
    })(withReplaced(components, { registrar: gate as unknown as Registrar })) as GossipSub

    const subscribe = service.subscribe.bind(service)
    service.subscribe = (topic) => {
      subscribe(topic)
      void gate.open()
    }
    return Object.assign(service, { gate })
  }
}

/** As in Go (pubsub.DefaultMsgIdFn): the bytes of the sender's peer id, then the sequence number as 8 bytes. */
export function messageId(message: Message): Uint8Array {
  if (message.type !== 'signed') return new Uint8Array()
  const from = message.from.toMultihash().bytes
  const id = new Uint8Array(from.length + 8)
  id.set(from)
  new DataView(id.buffer).setBigUint64(from.length, message.sequenceNumber)
  return id
}
