import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../clock.ts'
import type { Member } from './members.ts'

export const firstRetryMs = 1_000
export const longestRetryMs = 60_000
/** For a peer id that somebody has to correct at one of the two nodes. */
export const wrongPeerRetryMs = 300_000
/** A connection that has lived so long was no attempt that failed late. */
export const stableAfterMs = 60_000

/** What is between this node and a member. */
export type LinkState =
  | { readonly name: 'connected' }
  | { readonly name: 'lost' }
  | { readonly name: 'unreachable'; readonly reason: string }
  | { readonly name: 'another-peer' }

export interface LinkParts {
  readonly clock: Clock
  /** From 0 to below 1. */
  readonly random: () => number
  /** Rejects with the reason when no connection comes about. */
  readonly dial: (addresses: readonly Multiaddr[]) => Promise<unknown>
  /** Called when the state has another name than before, not at each attempt. */
  readonly onState: (member: Member, state: LinkState) => void
}

/**
 * How long to wait before the next dial: doubled with each failure, at most {@link longestRetryMs}, and anywhere in the upper
 * half of that, so that two nodes that lost each other do not dial at the same moment again and again.
 *
 * @param failures in a row, before this dial
 * @param random from 0 to below 1
 */
export function retryDelayMs(failures: number, random: number): number {
  const most = Math.min(longestRetryMs, firstRetryMs * 2 ** failures)
  return (most / 2) * (1 + random)
}

/**
 * Keeps a connection to one member, for ever: dials at once, and whenever the last connection is gone. It does not matter who
 * has opened it, so two nodes that list each other need one connection; when both dial at once there are two, and both stay.
 */
export class Link {
  readonly member: Member
  readonly #parts: LinkParts
  #failures = 0
  #connectedSinceMs: number | undefined
  #dialing = false
  #told: LinkState['name'] | undefined
  #cancelRetry: (() => void) | undefined
  #stopped = false

  constructor(member: Member, parts: LinkParts) {
    this.member = member
    this.#parts = parts
  }

  get isConnected(): boolean {
    return this.#connectedSinceMs !== undefined
  }

  start(): void {
    if (!this.isConnected) this.#dial()
  }

  stop(): void {
    this.#stopped = true
    this.#cancelRetry?.()
  }

  /** A connection with the member is open, the first or one more. */
  opened(): void {
    if (this.#connectedSinceMs !== undefined) return
    this.#connectedSinceMs = this.#parts.clock.now()
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    this.#tell({ name: 'connected' })
  }

  /** The last connection with the member is gone. */
  closed(): void {
    if (this.#connectedSinceMs === undefined) return
    const isStable = this.#parts.clock.now() - this.#connectedSinceMs >= stableAfterMs
    this.#failures = isStable ? 0 : this.#failures + 1
    this.#connectedSinceMs = undefined
    this.#tell({ name: 'lost' })
    this.#retryAfter(retryDelayMs(this.#failures, this.#parts.random()))
  }

  #dial(): void {
    this.#dialing = true
    this.#parts.dial(this.member.addresses).then(
      () => this.#dialed(undefined),
      (cause: unknown) => this.#dialed(cause)
    )
  }

  #dialed(cause: unknown): void {
    this.#dialing = false
    if (this.#stopped || this.isConnected) return
    const state = cause === undefined ? undefined : stateAfter(cause)
    if (state !== undefined) this.#tell(state)
    const { random } = this.#parts
    if (state?.name === 'another-peer') this.#retryAfter((wrongPeerRetryMs / 2) * (1 + random()))
    else this.#retryAfter(retryDelayMs(this.#failures++, random()))
  }

  #retryAfter(ms: number): void {
    // a dial that is under way asks again when it is over
    if (this.#stopped || this.#dialing) return
    this.#cancelRetry?.()
    this.#cancelRetry = this.#parts.clock.after(ms, () => {
      this.#cancelRetry = undefined
      this.#dial()
    })
  }

  #tell(state: LinkState): void {
    if (this.#stopped || state.name === this.#told) return
    this.#told = state.name
    this.#parts.onState(this.member, state)
  }
}

/** A dial of several addresses fails with an error for each; that a wrong peer answered at one of them says the most. */
function stateAfter(cause: unknown): LinkState {
  const errors = cause instanceof AggregateError ? cause.errors : [cause]
  if (errors.some(isOfAnotherPeer)) return { name: 'another-peer' }
  const reasons = errors.map((error) => (error instanceof Error ? error.message : String(error)))
  return { name: 'unreachable', reason: reasons.join('; ') }
}

/**
 * libp2p 3.3.11 keeps only the message of what the encrypters say (upgrader.ts, EncryptionFailedError): "Unexpected Peer" of
 * `@libp2p/tls` 3.1.10, "Payload identity key … does not match expected remote identity key …" of `@libp2p/noise` 17.0.3.
 */
function isOfAnotherPeer(error: unknown): boolean {
  return error instanceof Error && /unexpected peer|does not match expected/i.test(error.message)
}
