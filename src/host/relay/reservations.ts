import { setMaxListeners } from 'node:events'
import type { RelayReservation } from '@libp2p/circuit-relay-v2'
import type { PeerId } from '@libp2p/interface'
import { PeerMap } from '@libp2p/peer-collections'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../../clock.ts'
import type { RelayLimits } from '../../config/index.ts'
import { ipOf, networksOf } from '../../peers/address-prefix.ts'
import { ReservePace } from './reserve-pace.ts'

/** Go's defaults (circuitv2/relay DefaultResources): how long a reservation and a circuit last. */
export const reservationLifeMs = 3_600_000
export const circuitLifeMs = 120_000

/** Names of the status codes on the wire, as the library has them. */
export type ReserveResult = { status: 'OK'; expire: number } | { status: 'RESERVATION_REFUSED' }

/** Who must not be closed by trimming. */
export interface Protection {
  protect(peer: PeerId, reason: string): void
  unprotect(peer: PeerId, reason: string): void
}

const protectedAs = 'relay reservation'

/**
 * Who may be reached through this node, with Go's rules: bounded in all and for each address (/32, /64: a machine has as many
 * addresses of IPv6 as it likes), and freed when the peer leaves. Stands in for the ReservationStore of `@libp2p/circuit-relay-v2` 4.2.13, which has no limit for an
 * address, keeps the reservation of a peer that left, and drops one that was refreshed twice too early
 * (`retimeable-signal` keeps the listener of the first refresh).
 */
export class Reservations {
  readonly reservations = new PeerMap<RelayReservation>()
  readonly #limits: RelayLimits
  readonly #clock: Clock
  readonly #protection: Protection
  readonly #pace: ReservePace<PeerId>

  constructor(limits: RelayLimits, clock: Clock, protection: Protection) {
    this.#limits = limits
    this.#clock = clock
    this.#protection = protection
    this.#pace = new ReservePace(clock)
  }

  reserve(peer: PeerId, addr: Multiaddr): ReserveResult {
    const known = this.reservations.get(peer)
    const hasPlace = known !== undefined || this.#hasRoomFor(addr)
    if (!hasPlace || !this.#pace.allows(peer)) return { status: 'RESERVATION_REFUSED' }

    const expiry = new Date(Date.now() + reservationLifeMs)
    if (known === undefined) {
      // the duration in the library's unit; what is sent to peers is set in service.ts
      const limit = { duration: circuitLifeMs }
      this.reservations.set(peer, { addr, expiry, limit, signal: this.#expirySignal(peer) })
      this.#protection.protect(peer, protectedAs)
    } else {
      known.signal.reset(reservationLifeMs)
      this.reservations.set(peer, { ...known, addr, expiry })
    }
    return { status: 'OK', expire: Math.round(expiry.getTime() / 1000) }
  }

  removeReservation(peer: PeerId): void {
    this.reservations.get(peer)?.signal.clear()
    if (this.reservations.delete(peer)) this.#protection.unprotect(peer, protectedAs)
  }

  get(peer: PeerId): RelayReservation | undefined {
    return this.reservations.get(peer)
  }

  clear(): void {
    for (const { signal } of this.reservations.values()) signal.clear()
    this.reservations.clear()
  }

  /** Looks at every reservation, of which there are 128 by default. */
  #hasRoomFor(addr: Multiaddr): boolean {
    if (this.reservations.size >= this.#limits.maxReservations) return false
    const source = sourceOf(addr)
    const sameSource = [...this.reservations.values()].filter((other) => sourceOf(other.addr) === source).length
    return sameSource < this.#limits.maxReservationsPerIp
  }

  #expirySignal(peer: PeerId): RelayReservation['signal'] {
    const controller = new AbortController()
    // each circuit listens, and Node would warn of the eleventh
    setMaxListeners(this.#limits.maxCircuitsPerPeer, controller.signal)
    const expire = () => {
      this.removeReservation(peer)
      controller.abort()
    }
    let cancel = this.#clock.after(reservationLifeMs, expire)
    return Object.assign(controller.signal, {
      reset: (ms = reservationLifeMs) => {
        cancel()
        cancel = this.#clock.after(ms, expire)
      },
      clear: () => cancel()
    })
  }
}

function sourceOf(addr: Multiaddr): string | undefined {
  const ip = ipOf(addr)
  return ip === undefined ? undefined : networksOf(ip).address
}
