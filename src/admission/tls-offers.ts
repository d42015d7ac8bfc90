import type { Origin } from '../peers/address-prefix.ts'
import type { ConnectionIndex } from './connection-index.ts'

/** Of a network's connections so many may be over TLS, those whose handshake is under way included: 14 MB. */
export const maxTlsOfNetwork = 250

/**
 * To whom TLS is offered: to everybody, but for networks that have many connections over it, and while many have it that have not said a
 * word. A Go client proposes TLS first and takes Noise where it is not offered (go-libp2p 0.43, upgrader.go), at a sixth of the memory.
 * Holds a number for each network with a handshake over TLS under way.
 */
export class TlsOffers {
  /** Newcomers that it was not offered to. */
  declined = 0
  readonly #index: Pick<ConnectionIndex, 'strangers' | 'tlsOf'>
  readonly #underWay = new Map<string, number>()

  constructor(index: Pick<ConnectionIndex, 'strangers' | 'tlsOf'>) {
    this.#index = index
  }

  /** Networks with a handshake over TLS. */
  get networks(): number {
    return this.#underWay.size
  }

  /** Whether it is offered to one who comes from there; {@link finished} is to be called if so, once the handshake is over. */
  take({ network, exempt }: Origin): boolean {
    const underWay = this.#underWay.get(network) ?? 0
    const isCrowd = !exempt && this.#index.tlsOf(network) + underWay >= maxTlsOfNetwork
    if (isCrowd || this.#index.strangers.hasTlsEnough) {
      this.declined++
      return false
    }
    this.#underWay.set(network, underWay + 1)
    return true
  }

  finished({ network }: Origin): void {
    const left = (this.#underWay.get(network) ?? 1) - 1
    if (left === 0) this.#underWay.delete(network)
    else this.#underWay.set(network, left)
  }
}
