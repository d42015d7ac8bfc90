import { publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import type { PeerId, PublicKey } from '@libp2p/interface'
import { peerIdFromCID, peerIdFromMultihash } from '@libp2p/peer-id'
import { identity } from 'multiformats/hashes/identity'
import sodium from 'sodium-native'

/** Why a signature proves no identity. */
export type IdentityProblem = 'bad-identity' | 'bad-signature'

/** An RSA key of 8,192 bits, the longest that libp2p reads, takes 1,062. */
const maxKeyBytes = 2048
/** Type 1 and 32 bytes of data: the one deterministic encoding of an Ed25519 key (libp2p specification peer-ids). */
const ed25519Prefix = Buffer.from('08011220', 'hex')
const ed25519KeyBytes = 32
const ed25519SignatureBytes = 64

/**
 * The peer whose identity key has signed something. Ed25519, the key of nearly everyone, is verified by libsodium in some
 * 40 µs (node:crypto: 70), and at once; other keys may take a promise.
 *
 * @param key libp2p protobuf, as it came; not kept
 */
export function verifySignedBy(
  key: Uint8Array,
  signed: Uint8Array,
  signature: Uint8Array
): PeerId | IdentityProblem | Promise<PeerId | IdentityProblem> {
  if (key.length > maxKeyBytes) return 'bad-identity'
  if (!isEd25519(key)) return verifyOther(key, signed, signature)
  if (signature.length !== ed25519SignatureBytes) return 'bad-signature'
  if (!sodium.crypto_sign_verify_detached(signature, signed, key.subarray(ed25519Prefix.length))) return 'bad-signature'
  return peerIdFromMultihash(identity.digest(new Uint8Array(key)))
}

function isEd25519(key: Uint8Array): boolean {
  return (
    key.length === ed25519Prefix.length + ed25519KeyBytes && ed25519Prefix.equals(key.subarray(0, ed25519Prefix.length))
  )
}

function verifyOther(
  protobuf: Uint8Array,
  signed: Uint8Array,
  signature: Uint8Array
): PeerId | IdentityProblem | Promise<PeerId | IdentityProblem> {
  let key: PublicKey
  let peer: PeerId
  try {
    key = publicKeyFromProtobuf(protobuf)
    peer = peerIdFromCID(key.toCID()) // throws for ECDSA: js-libp2p has no peer ids of such keys
  } catch {
    return 'bad-identity'
  }
  const verdict = (good: boolean) => (good ? peer : 'bad-signature')
  try {
    const good = key.verify(signed, signature)
    return typeof good === 'boolean' ? verdict(good) : good.then(verdict, () => verdict(false))
  } catch {
    return 'bad-signature'
  }
}
