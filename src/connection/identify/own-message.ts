import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PeerId, PrivateKey } from '@libp2p/interface'
import type { AddressManager, Registrar } from '@libp2p/interface-internal'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { CODE_P2P } from '@multiformats/multiaddr'
import { encodeIdentify, type IdentifyMessage } from './message.ts'

/** The version of the protocol that libp2p's peers name (js-libp2p identify/consts.ts, go-libp2p's default). */
const protocolVersion = 'ipfs/0.1.0'

export interface OwnMessageComponents {
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly addressManager: Pick<AddressManager, 'getAddresses'>
  readonly registrar: Pick<Registrar, 'getProtocols'>
  readonly nodeInfo: { readonly userAgent: string }
}

/** What this node says of itself: put together and signed once, and again when something has changed. */
export class OwnMessage {
  readonly #components: OwnMessageComponents
  #message: Uint8Array | Promise<Uint8Array> | undefined

  constructor(components: OwnMessageComponents) {
    this.#components = components
  }

  /** Addresses or protocols are not what they were. */
  changed(): void {
    this.#message = undefined
  }

  /** Encoded; at once but for the first time and after a change. */
  get(): Uint8Array | Promise<Uint8Array> {
    if (this.#message === undefined) {
      const made = this.#make()
      this.#message = made
      made.then(
        (message) => {
          if (this.#message === made) this.#message = message
        },
        () => {
          if (this.#message === made) this.#message = undefined
        }
      )
    }
    return this.#message
  }

  async #make(): Promise<Uint8Array> {
    const { peerId, privateKey, addressManager, registrar, nodeInfo } = this.#components
    const multiaddrs = addressManager.getAddresses().map((address) => address.decapsulateCode(CODE_P2P))
    const message: IdentifyMessage = {
      protocolVersion,
      agentVersion: nodeInfo.userAgent,
      publicKey: publicKeyToProtobuf(privateKey.publicKey),
      listenAddrs: multiaddrs.map(({ bytes }) => bytes),
      protocols: registrar.getProtocols()
    }
    if (multiaddrs.length > 0) {
      const envelope = await RecordEnvelope.seal(new PeerRecord({ peerId, multiaddrs }), privateKey)
      message.signedPeerRecord = envelope.marshal().subarray()
    }
    return encodeIdentify(message)
  }
}
