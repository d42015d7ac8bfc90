import type { Connection, IdentifyResult, PeerId } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { addressesOfPeerRecord, type IdentifyMessage } from './message.ts'

/**
 * An identify message as libp2p's event carries it; addresses are parsed when somebody asks. How this node looks from the
 * peer is left out, as nobody here asks for it, and so is the signed record, which nobody has verified.
 */
export class LazyIdentifyResult implements IdentifyResult {
  readonly connection: Connection
  readonly protocols: string[]
  readonly protocolVersion?: string
  readonly agentVersion?: string
  /** Where the peer listens, as binary multiaddrs: those of its signed record if it sent one. */
  readonly addressBytes: readonly Uint8Array[]

  constructor(
    { protocols, protocolVersion, agentVersion, signedPeerRecord, listenAddrs }: IdentifyMessage,
    connection: Connection
  ) {
    this.connection = connection
    this.protocols = protocols
    if (protocolVersion !== undefined) this.protocolVersion = protocolVersion
    if (agentVersion !== undefined) this.agentVersion = agentVersion
    const certified =
      signedPeerRecord && addressesOfPeerRecord(signedPeerRecord, connection.remotePeer.toMultihash().bytes)
    this.addressBytes = certified ?? listenAddrs
  }

  get peerId(): PeerId {
    return this.connection.remotePeer
  }

  get listenAddrs(): Multiaddr[] {
    return readable(this.addressBytes)
  }
}

/** Where an identified peer listens, as binary multiaddrs, whichever stack has heard it. */
export function addressBytesOf(result: IdentifyResult): readonly Uint8Array[] {
  if (result instanceof LazyIdentifyResult) return result.addressBytes
  return (result.signedPeerRecord?.addresses ?? result.listenAddrs).map(({ bytes }) => bytes)
}

/** Those that this node can read; what it cannot read is of no use to its libraries. */
function readable(addresses: readonly Uint8Array[]): Multiaddr[] {
  return addresses.flatMap((bytes) => {
    try {
      return bytes.length === 0 ? [] : [multiaddr(bytes)]
    } catch {
      return []
    }
  })
}
