/** Why a handshake or a record was refused; short and few, so that it can label a counter. */
export type NoiseFailure =
  /** A handshake message that is cut off, too long, of the wrong turn, not encrypted for us, or has no readable payload. */
  | 'bad-message'
  /** A Diffie-Hellman key of low order: the shared secret would be known to everybody. */
  | 'bad-key'
  /** An identity key that cannot be read, or is of a type without peer ids. */
  | 'bad-identity'
  /** The identity key has not signed the static key. */
  | 'bad-signature'
  /** A record that is too short or was not sealed with this key at this place. */
  | 'bad-record'
  /** More records than a key may seal. */
  | 'nonce-exhausted'

const words: Record<NoiseFailure, string> = {
  'bad-message': 'the handshake message cannot be read',
  'bad-key': 'the key exchange has a public key of low order',
  'bad-identity': 'the identity key cannot be read',
  'bad-signature': 'the identity key has not signed the static key',
  'bad-record': 'the record cannot be decrypted',
  'nonce-exhausted': 'the key has sealed as many records as it may'
}

/** The end of a secured connection, by what the peer has sent. Concerns nobody else. */
export class NoiseError extends Error {
  override readonly name = 'NoiseError'

  constructor(readonly reason: NoiseFailure) {
    super(words[reason])
  }
}
