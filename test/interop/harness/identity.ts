import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'

/** RFC 8410: the DER frame in front of an Ed25519 seed. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC_BYTES = 32

/** PRIVATE_KEY of the identity that the Go baseline makes of the same text (its -key-seed): ed25519(sha256(text)). */
export function privateKeyOf(text: string): string {
  const seed = createHash('sha256').update(text).digest()
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return Buffer.concat([seed, spki.subarray(-PUBLIC_BYTES)]).toString('hex')
}
