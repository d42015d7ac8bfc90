import { bytesOf } from '../../peers/peer-key.ts'
import { decodePeer } from '../wire.ts'
import { endpointKey, endpointOf } from './endpoint.ts'

/** Three times what one dial-back can try; with their endpoints some 2 MB, 8 at most. */
export const maxFailedDials = 10_000

/**
 * Peers that were dialled back and not reached, for as long as they say that they listen at the same endpoints: whoever comes by
 * itself then is most likely behind NAT, and is dialled last after the next restart. Relayed addresses do not count, which
 * such a peer changes often.
 */
export class FailedDials {
  /** Peer → where it listened; the one that failed longest ago first. */
  readonly #endpoints = new Map<string, string>()

  get size(): number {
    return this.#endpoints.size
  }

  /**
   * At {@link maxFailedDials} the one that failed longest ago is forgotten.
   *
   * @param peer its key
   * @param addrs binary multiaddrs where it says that it listens
   */
  add(peer: string, addrs: readonly Uint8Array[]): void {
    this.#endpoints.delete(peer)
    for (const [oldest] of this.#endpoints) {
      if (this.#endpoints.size < maxFailedDials) break
      this.#endpoints.delete(oldest)
    }
    this.#endpoints.set(peer, endpointsOf(addrs))
  }

  delete(peer: string): void {
    this.#endpoints.delete(peer)
  }

  /** @param encoded the Peer message with where it says now that it listens, one character a byte */
  has(peer: string, encoded: string): boolean {
    const failedAt = this.#endpoints.get(peer)
    if (failedAt === undefined) return false
    return failedAt === endpointsOf(decodePeer(new Uint8Array(bytesOf(encoded)))?.addrs ?? [])
  }
}

/** In whatever order they are listed. */
function endpointsOf(addrs: readonly Uint8Array[]): string {
  const endpoints = addrs.map(endpointOf).filter((endpoint) => endpoint !== undefined)
  return [...new Set(endpoints.map(endpointKey))].sort().join()
}
