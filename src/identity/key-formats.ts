import { createPrivateKey, createPublicKey } from 'node:crypto'

/**
 * The Ed25519 private key of a node: 32 bytes of seed followed by the 32 bytes of the public key that belongs to it
 * (the "raw" form of libp2p and of Go's crypto/ed25519).
 */
export type RawEd25519Key = Uint8Array

/** Why a text is no private key. Never holds any part of the text: it may be a real secret with one typing error. */
export interface KeyProblem {
  readonly problem: string
}

const SEED_BYTES = 32
const PUBLIC_BYTES = 32
const RAW_BYTES = SEED_BYTES + PUBLIC_BYTES
/** protobuf PrivateKey { Type = 1 (Ed25519), Data = 64 bytes }; libp2p spec peer-ids. */
const PROTOBUF_PREFIX = Buffer.from('08011240', 'hex')
/** RFC 8410: the DER frame in front of an Ed25519 seed. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** What PRIVATE_KEY may hold, for error texts and the documentation. */
export const KEY_FORMS =
  '128 hexadecimal digits (seed and public key), 136 (protobuf) or 192 (with the public key twice), optionally after 0x'

/**
 * Reads a private key in any of the three forms that are in the wild: 64 bytes (seed, public key), 96 bytes (the same
 * with a redundant public key), 68 bytes (libp2p's protobuf, printed by an early `--generate-key` of the Go service).
 * White space around it and a leading `0x` are ignored. The public half has to fit the seed, which Go does not check.
 */
export function parsePrivateKey(text: string): RawEd25519Key | KeyProblem {
  const hex = text.trim().replace(/^0x/i, '')
  if (!/^[0-9a-f]*$/i.test(hex)) return { problem: 'it has characters that are no hexadecimal digits' }

  const raw = toRaw(hex)
  if ('problem' in raw) return raw

  const seed = raw.subarray(0, SEED_BYTES)
  if (!publicKeyOf(seed).equals(raw.subarray(SEED_BYTES))) {
    return { problem: 'its public half does not belong to its seed (a digit was changed, or two keys were mixed)' }
  }
  return new Uint8Array(raw)
}

function toRaw(hex: string): Buffer | KeyProblem {
  const bytes = Buffer.from(hex, 'hex')
  switch (hex.length) {
    case 128:
      return bytes
    case 136:
      return bytes.subarray(0, PROTOBUF_PREFIX.length).equals(PROTOBUF_PREFIX)
        ? bytes.subarray(PROTOBUF_PREFIX.length)
        : { problem: 'it has 136 digits but is no protobuf Ed25519 key' }
    case 192:
      return bytes.subarray(SEED_BYTES, RAW_BYTES).equals(bytes.subarray(RAW_BYTES))
        ? bytes.subarray(0, RAW_BYTES)
        : { problem: 'it has 192 digits but its two public keys differ' }
    default:
      return { problem: `it has ${hex.length} digits` }
  }
}

/** The public key of an Ed25519 seed. */
export function publicKeyOf(seed: Uint8Array): Buffer {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return spki.subarray(spki.length - PUBLIC_BYTES)
}
