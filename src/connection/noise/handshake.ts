import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PeerId, PrivateKey } from '@libp2p/interface'
import { type IdentityProblem, verifySignedBy } from '../identity-key.ts'
import { NoiseError } from './error.ts'
import { decodePayload, encodePayload, type Payload } from './payload.ts'
import { generateKeyPair, type KeyPair } from './primitives.ts'
import { maxMessageBytes } from './symmetric-state.ts'
import { type CipherPair, type XxInit, XxResponder } from './xx-responder.ts'

const signaturePrefix = Buffer.from('noise-libp2p-static-key:')

/** What all handshakes of this node share for as long as the caller keeps it. */
export interface NoiseIdentity {
  readonly staticKey: KeyPair
  /** Our half of the proof: the signature is over the static key, so it holds for every connection. */
  readonly payload: Uint8Array
}

/**
 * @param streamMuxers the muxers that a peer may take without asking again, by our preference
 */
export async function createNoiseIdentity(
  privateKey: PrivateKey,
  streamMuxers: readonly string[]
): Promise<NoiseIdentity> {
  const staticKey = generateKeyPair()
  const payload = encodePayload({
    identityKey: publicKeyToProtobuf(privateKey.publicKey),
    signature: await privateKey.sign(signedBytes(staticKey.publicKey)),
    streamMuxers
  })
  return { staticKey, payload }
}

/** What an identity key signs. */
function signedBytes(staticPublicKey: Uint8Array): Uint8Array {
  return Buffer.concat([signaturePrefix, staticPublicKey])
}

/** A secured connection, as the responder sees it. */
export interface NoiseSession extends CipherPair {
  readonly remotePeer: PeerId
  /** The peer's identity key as libp2p protobuf, as the peer sent it; memory of its own. */
  readonly remotePublicKey: Uint8Array
  readonly extensions: {
    /** The muxers the peer speaks, by its preference: for {@link chooseStreamMuxer}. */
    readonly streamMuxers: readonly string[]
  }
}

/**
 * Our side of the handshake with a peer that has dialled (libp2p specification noise/README.md). Fed with whole messages;
 * after an error it is good for nothing.
 */
export class NoiseResponder {
  readonly #identity: NoiseIdentity
  #xx: XxResponder | undefined
  #answered = false
  #proof: { readonly remoteStatic: Uint8Array; readonly payload: Payload } | undefined

  constructor(identity: NoiseIdentity, init?: XxInit) {
    this.#identity = identity
    this.#xx = new XxResponder(identity.staticKey, init)
  }

  /**
   * Reads the peer's first message, then its last.
   *
   * @param message without its length
   * @returns the reply, with its length in front; undefined after the last message: {@link finish} is due
   * @throws NoiseError bad-message, bad-key
   */
  read(message: Uint8Array): Uint8Array | undefined {
    const xx = this.#take()
    if (message.length > maxMessageBytes) throw new NoiseError('bad-message')
    if (!this.#answered) {
      this.#answered = true
      xx.readFirst(message) // a payload here is signed by nobody; as in Go, it is not looked at
      const reply = xx.writeSecond(this.#identity.payload)
      this.#xx = xx
      return reply
    }
    const { remoteStatic, payload: bytes } = xx.readThird(message)
    const payload = decodePayload(bytes)
    if (payload === undefined) throw new NoiseError('bad-message')
    this.#proof = { remoteStatic, payload }
    this.#xx = xx
    return undefined
  }

  /**
   * Verifies who the peer is, at once for Ed25519.
   *
   * @throws NoiseError bad-identity, bad-signature; bad-message before the last message or a second time
   */
  finish(): NoiseSession | Promise<NoiseSession> {
    const xx = this.#take()
    if (this.#proof === undefined) throw new NoiseError('bad-message')
    const { remoteStatic, payload } = this.#proof
    const session = (peer: PeerId | IdentityProblem): NoiseSession => {
      if (typeof peer === 'string') throw new NoiseError(peer)
      const remotePublicKey = new Uint8Array(payload.identityKey)
      return { ...xx.split(), remotePeer: peer, remotePublicKey, extensions: { streamMuxers: payload.streamMuxers } }
    }
    const peer = verifySignedBy(payload.identityKey, signedBytes(remoteStatic), payload.signature)
    return peer instanceof Promise ? peer.then(session) : session(peer)
  }

  /** Whoever takes it puts it back when the step went well. */
  #take(): XxResponder {
    const xx = this.#xx
    this.#xx = undefined
    if (xx === undefined) throw new NoiseError('bad-message')
    return xx
  }
}

/**
 * The muxer that both sides take without negotiating it: the first of the initiator's that the responder has
 * (libp2p specification connections/inlined-muxer-negotiation.md; go-libp2p noise/transport.go, matchMuxers).
 *
 * @returns undefined when there is none: the muxer is then negotiated by multistream-select
 */
export function chooseStreamMuxer(initiator: readonly string[], responder: readonly string[]): string | undefined {
  return initiator.find((muxer) => responder.includes(muxer))
}
