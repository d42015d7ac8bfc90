import { constants } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { PrivateKey } from '@libp2p/interface'
import { generateCertificate } from '@libp2p/tls/utils'
import type { Clock } from '../../clock.ts'

/** The certificate itself is valid for a century, as Go's; a key that is used for long is a key that can be stolen. */
const renewAfterMs = 24 * 3_600_000

/**
 * One TLS certificate for all connections, renewed daily (libp2p specification tls/tls.md: "MAY reuse the same key and
 * certificate for multiple connections"). `@libp2p/tls` 3.1.10 makes one for each connection, which costs 2.8 ms.
 */
export class TlsContext {
  readonly #privateKey: PrivateKey
  readonly #clock: Clock
  #current: Promise<SecureContext> | undefined
  #renewAtMs = 0

  /** @param privateKey of the node; it signs the key of each certificate */
  constructor(privateKey: PrivateKey, clock: Clock) {
    this.#privateKey = privateKey
    this.#clock = clock
  }

  /** For a connection that is accepted now. */
  get(): Promise<SecureContext> {
    const nowMs = this.#clock.now()
    if (this.#current === undefined || nowMs >= this.#renewAtMs) {
      this.#renewAtMs = nowMs + renewAfterMs
      const renewed = makeTlsContext(this.#privateKey)
      this.#current = renewed
      // the next connection tries again
      renewed.catch(() => {
        if (this.#current === renewed) this.#current = undefined
      })
    }
    return this.#current
  }
}

/** A certificate for a new key, which the node's key has signed, in a context for TLS 1.3. */
export async function makeTlsContext(privateKey: PrivateKey): Promise<SecureContext> {
  const { cert, key } = await generateCertificate(privateKey)
  return createSecureContext({
    cert,
    key,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    // libp2p resumes nothing. OpenSSL 3.0 and 3.5 make two tickets for each client even so, and without this write the session
    // with the peer's certificate into them: an eighth of a join, and 7 KB a connection
    secureOptions: constants.SSL_OP_NO_TICKET,
    // OpenSSL 3.5 (Node 24) would offer ML-KEM first, which costs 0.5 ms a handshake
    ecdhCurve: 'X25519:P-256'
  })
}
