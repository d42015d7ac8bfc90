import type { SecureContext } from 'node:tls'
import type { PrivateKey } from '@libp2p/interface'
import { type Clock, wallShiftMs, worthMentioningMs } from '../../clock.ts'
import { createNoiseIdentity, type NoiseIdentity } from '../noise/handshake.ts'
import { yamuxProtocol } from '../protocols.ts'
import { makeTlsContext } from '../tls/certificate.ts'

/** A key that is used for long is a key that can be stolen. */
export const renewAfterMs = 24 * 3_600_000

/** What this node proves its identity with: keys of the day, signed by its own. */
export interface Credentials {
  readonly noise: NoiseIdentity
  readonly tls: SecureContext
}

/** Credentials for all connections, renewed daily without anyone waiting for it. */
export class CurrentCredentials {
  readonly #privateKey: PrivateKey
  readonly #clock: Clock
  #credentials: Credentials
  #renewAtMs: number
  readonly #shiftMs: () => number
  /** How far the machine's clock was ahead when they were made. */
  #madeAtShiftMs: number

  private constructor(privateKey: PrivateKey, clock: Clock, credentials: Credentials, shiftMs: () => number) {
    this.#privateKey = privateKey
    this.#clock = clock
    this.#credentials = credentials
    this.#renewAtMs = clock.now() + renewAfterMs
    this.#shiftMs = shiftMs
    this.#madeAtShiftMs = shiftMs()
  }

  static async create(
    privateKey: PrivateKey,
    clock: Clock,
    machineMs: () => number = Date.now
  ): Promise<CurrentCredentials> {
    return new CurrentCredentials(privateKey, clock, await make(privateKey), () => wallShiftMs(clock, machineMs))
  }

  /** For a connection that is accepted now. The first that finds them old has others made, which are there a moment later. */
  get(): Credentials {
    const nowMs = this.#clock.now()
    const shiftMs = this.#shiftMs()
    // a certificate of a clock that was ahead is not valid yet for anybody else
    const wasSetBack = shiftMs < this.#madeAtShiftMs - worthMentioningMs
    if (nowMs >= this.#renewAtMs || wasSetBack) {
      this.#renewAtMs = nowMs + renewAfterMs
      this.#madeAtShiftMs = shiftMs
      make(this.#privateKey).then(
        (credentials) => {
          this.#credentials = credentials
        },
        // the old ones are good for a century; the next connection tries again
        () => {
          this.#renewAtMs = 0
        }
      )
    }
    return this.#credentials
  }
}

async function make(privateKey: PrivateKey): Promise<Credentials> {
  const [noise, tls] = await Promise.all([createNoiseIdentity(privateKey, [yamuxProtocol]), makeTlsContext(privateKey)])
  return { noise, tls }
}
