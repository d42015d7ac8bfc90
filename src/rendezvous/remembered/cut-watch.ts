import type { Multiaddr } from '@multiformats/multiaddr'
import type { Logger } from 'pino'
import type { Clock } from '../../clock.ts'
import type { Contact } from '../contacts.ts'
import { addressOf, dialWithinMs } from './dial-back.ts'
import { type Choice, choicesFor, type OwnEndpoints } from './dial-choice.ts'
import { DialPace } from './dial-pace.ts'
import { LostPeers } from './lost-peers.ts'
import type { FormerPeer } from './restore.ts'

/** Pauses before it is asked whether the network is back. */
export const firstPauseMs = 5_000
export const longestPauseMs = 60_000
/** Most clients are behind NAT, and do not answer either when it is back: others are asked each time. */
export const askedAtOnce = 8
/** Who was asked just before the network came back is found to be silent as much later: see host/liveness.ts. */
export const settlesWithinMs = 10_000
/** One dial-back takes a minute: it costs half of a core then, and somebody may bring it about who has a quarter of all connections. */
export const dialBackEveryMs = 600_000
/** Home addresses change after a day, and clients have been restarted. */
export const giveUpAfterMs = 24 * 3_600_000
/** More than one dial-back can try: 3,032. */
const mostAtOnce = 5_000

export interface CutWatchParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly own: () => OwnEndpoints
  readonly connectedPeers: () => number
  /** Nobody has to leave for a peer that is asked. */
  readonly hasRoom: () => boolean
  /** @throws whatever; then there is no connection */
  readonly dial: (address: Multiaddr, signal: AbortSignal) => Promise<unknown>
  /** Whether a peer could not be dialled before where it listens, which is in its Peer message. */
  readonly dialFailed: (peer: string, encoded: string) => boolean
  /** From now on a peer is waited for, or no longer: see {@link CutWatch.awaited}. Not called for those who are over. */
  readonly onAwaited: (peer: string) => void
  /** Begins to dial them back; {@link CutWatch.over} is to be called for each whose turn came. */
  readonly dialBack: (peers: readonly FormerPeer[]) => void
  /** Wall time in ms. */
  readonly wallMs: () => number
}

/**
 * Finds that the network was cut, by how many peers go silent at once, and brings them back when it is there again: a cut that is
 * longer than both ends wait for each other loses nearly all Go clients for good, as a restart does. It is there again when one
 * of them answers a dial or comes by itself; that is asked with pauses, for a day. Then follows the same dial-back as after a
 * restart, and another one ten minutes later as long as there are some whose turn did not come.
 *
 * Whoever has many identities can bring about a cut; so dials keep to the limits of {@link DialPace}, those that ask as those of
 * the dial-back: to an IP address that peers only name four each, in ten minutes at least.
 */
export class CutWatch {
  readonly #parts: CutWatchParts
  readonly #lost: LostPeers
  readonly #asking = new Set<AbortController>()
  #pace: DialPace
  #isWaiting = false
  #asked = 0
  #pauseMs = firstPauseMs
  #cutAtMs = 0
  readonly #notBeforeMs: number
  #stopped = false
  #cancel = () => {}

  /**
   * @param max peers that are remembered
   * @param notBeforeMs of the clock: another dial-back may be under way until then
   */
  constructor(max: number, notBeforeMs: number, parts: CutWatchParts) {
    this.#lost = new LostPeers(max)
    this.#notBeforeMs = notBeforeMs
    this.#parts = parts
    this.#pace = new DialPace(parts.clock.now())
  }

  /** Peers that are to be dialled back, or would be if this is a cut. */
  get lost(): number {
    return this.#lost.size
  }

  /** The binary multiaddr that a peer came from that is waited for since a cut; undefined: it is not waited for. */
  awaited(peer: string): Uint8Array | undefined {
    return this.#lost.wasCut ? this.#lost.remoteOf(peer) : undefined
  }

  /** A connection is closed because nothing was heard of its peer. */
  silent(contact: Pick<Contact, 'key' | 'encoded'>, remote: Multiaddr): void {
    if (this.#stopped) return
    const { clock, logger, connectedPeers } = this.#parts
    const wasCut = this.#lost.wasCut
    this.#lost.add(contact, remote, connectedPeers(), clock.now())
    if (wasCut || !this.#lost.wasCut) return
    logger.warn(
      `${this.#lost.size} peers have gone silent at once, and ${connectedPeers()} are left: the network may be cut; they are dialled back when one of them answers`
    )
    this.#cutAtMs = clock.now()
    for (const peer of this.#lost.keys()) this.#parts.onAwaited(peer)
    this.#askAnew()
  }

  /** A peer has connected. */
  came(peer: string): void {
    if (this.#lost.remoteOf(peer) === undefined) return
    this.#lost.delete(peer)
    if (this.#isWaiting) this.#isBack()
  }

  /** The turn of a peer has come: it is back, or will not be. */
  over(peer: string): void {
    this.#lost.delete(peer)
  }

  stop(): void {
    this.#stopped = true
    this.#isWaiting = false
    this.#cancel()
    for (const asking of this.#asking) asking.abort()
  }

  #askAnew(): void {
    const nowMs = this.#parts.clock.now()
    this.#pace = new DialPace(nowMs)
    this.#pauseMs = firstPauseMs
    this.#isWaiting = true
    this.#cancel = this.#parts.clock.after(Math.max(firstPauseMs, this.#notBeforeMs - nowMs), this.#ask)
  }

  readonly #ask = (): void => {
    const { clock, logger } = this.#parts
    if (clock.now() - this.#cutAtMs >= giveUpAfterMs) {
      logger.warn(`${this.#lost.size} peers have not answered for a day, and are not waited for any more`)
      this.#isWaiting = false
      const peers = [...this.#lost.keys()]
      this.#lost.forget()
      for (const peer of peers) this.#parts.onAwaited(peer)
      return
    }
    if (this.#parts.hasRoom()) this.#askSome()
    this.#cancel = clock.after(dialWithinMs + this.#pauseMs, this.#ask)
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs)
  }

  #askSome(): void {
    const { own, dialFailed, wallMs } = this.#parts
    const ownEndpoints = own()
    for (const peer of this.#lost.newest(askedAtOnce, this.#asked, wallMs(), dialFailed)) {
      const choice = choicesFor(peer, ownEndpoints).find((one) => this.#pace.allows(one))
      if (choice !== undefined) void this.#askOne(peer, choice)
    }
    this.#asked += askedAtOnce
  }

  async #askOne(peer: FormerPeer, choice: Choice): Promise<void> {
    const address = addressOf(peer, choice)
    if (address === undefined) return
    this.#pace.count(choice)
    const asking = new AbortController()
    this.#asking.add(asking)
    const cancel = this.#parts.clock.after(dialWithinMs, () => asking.abort())
    try {
      await this.#parts.dial(address, asking.signal)
      if (this.#isWaiting) this.#isBack()
    } catch {
      // it may be there all the same, or another one
    } finally {
      cancel()
      this.#asking.delete(asking)
    }
  }

  #isBack(): void {
    this.#isWaiting = false
    this.#cancel()
    const { clock } = this.#parts
    this.#cancel = clock.after(Math.max(settlesWithinMs, this.#notBeforeMs - clock.now()), this.#dialBack)
  }

  readonly #dialBack = (): void => {
    const { clock, dialBack, dialFailed, wallMs } = this.#parts
    this.#cancel = clock.after(dialBackEveryMs, this.#afterDialBack)
    dialBack(this.#lost.newest(mostAtOnce, 0, wallMs(), dialFailed))
  }

  readonly #afterDialBack = (): void => {
    if (this.#lost.size === 0) this.#lost.forget()
    else this.#askAnew()
  }
}
