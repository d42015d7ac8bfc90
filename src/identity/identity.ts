import { generateKeyPair, privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { RawEd25519Key } from './key-formats.ts'

export interface Identity {
  readonly privateKey: PrivateKey
  readonly peerId: string
}

export function identityFromKey(raw: RawEd25519Key): Identity {
  return describe(privateKeyFromRaw(raw))
}

export async function newIdentity(): Promise<Identity> {
  return describe(await generateKeyPair('Ed25519'))
}

/** The form that PRIVATE_KEY takes: 128 hexadecimal digits. A secret. */
export function privateKeyHex(identity: Identity): string {
  return Buffer.from(identity.privateKey.raw).toString('hex')
}

function describe(privateKey: PrivateKey): Identity {
  return { privateKey, peerId: peerIdFromPrivateKey(privateKey).toString() }
}
