import { peerIdFromMultihash } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { decode as decodeMultihash } from 'multiformats/hashes/digest'
import type { Logger } from 'pino'
import type { Clock } from '../../clock.ts'
import { bytesOf } from '../../peers/peer-key.ts'
import { type Choice, choicesFor, type OwnEndpoints } from './dial-choice.ts'
import { DialPace } from './dial-pace.ts'
import { dialable, endpointKey } from './endpoint.ts'
import type { FormerPeer } from './restore.ts'

/** A Go client across the world takes 1 s, one on a machine that starves more than 5; itself it waits for 15. */
export const dialWithinMs = 10_000
/** Most of those under way wait for a host that will not answer; below the 100 of libp2p 3.3.11's dial queue. */
export const maxParallelDials = 96
/** After that, who is still alive has come by itself or been found again through others. */
export const dialBackWithinMs = 60_000
export const progressIntervalMs = 5_000
const pauseMs = 20
/** Of them most cost nothing, as they are back already or cannot be dialled. */
const peersInTurn = 64

export interface DialBackParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly own: OwnEndpoints
  /** @param peer its key */
  readonly isConnected: (peer: string) => boolean
  /** Whether peers that come by themselves wait to be served: they go first, and may well be the same. */
  readonly isBusy: () => boolean
  /** Nobody has to leave for a peer that is dialled back. */
  readonly hasRoom: () => boolean
  /** @throws whatever; then there is no connection */
  readonly dial: (address: Multiaddr, signal: AbortSignal) => Promise<unknown>
  /** Not called for those whose turn does not come: they are left to the next process. */
  readonly onOver: (peer: FormerPeer, how: keyof DialBackCounts) => void
}

interface Attempt {
  readonly peer: FormerPeer
  /** Where it has yet to be tried; undefined before it is looked at. */
  choices: Choice[] | undefined
}

export interface DialBackCounts {
  /** Dialled, and connected. */
  dialled: number
  /** Connected before it was their turn. */
  cameBack: number
  failed: number
  /** Without an address that may be dialled. */
  undialable: number
}

/**
 * Dials back those who were connected when the process ended: a Go client that has met a closed port uses this node no
 * more until it has a connection again, and most do not dial themselves. Newest first; every address once, and once more
 * for one who came from it; bounded in parallel, a second and in time, and so in total.
 *
 * A host that never answers holds a dial for ten seconds, and one that comes by itself all the same is there again at the
 * next restart: whoever could not be dialled is dialled after everybody else then. It is dialled still, as it may just have
 * been down with this node, and who is not dialled is never found to be there.
 */
export class DialBack {
  readonly counts: DialBackCounts = { dialled: 0, cameBack: 0, failed: 0, undialable: 0 }
  readonly #parts: DialBackParts
  /** The newest last. */
  #waiting: Attempt[]
  /** Those who could not be dialled at the last restart: they begin when all others are over. */
  #last: Attempt[]
  /** Those who were not there, for their other addresses: they do not keep the others waiting. */
  readonly #again: Attempt[] = []
  /** Endpoint → whether for a peer that came from it. */
  readonly #tried = new Map<string, boolean>()
  readonly #inFlight = new Map<AbortController, Attempt>()
  readonly #pace: DialPace
  readonly #startedMs: number
  #over = false
  #cancelPause = () => {}
  #cancelEnd = () => {}
  #cancelProgress = () => {}

  /** @param peers newest first */
  constructor(peers: readonly FormerPeer[], parts: DialBackParts) {
    this.#parts = parts
    const attempts = peers.map((peer): Attempt => ({ peer, choices: undefined })).reverse()
    this.#waiting = attempts.filter(({ peer }) => !peer.dialFailed)
    this.#last = attempts.filter(({ peer }) => peer.dialFailed)
    this.#startedMs = parts.clock.now()
    this.#pace = new DialPace(this.#startedMs)
  }

  /** Peers that have not been tried yet, or not at every address. */
  get waiting(): number {
    return this.#waiting.length + this.#again.length + this.#last.length
  }

  get dialling(): number {
    return this.#inFlight.size
  }

  /** @param afterMs for those who come by themselves */
  start(afterMs: number): void {
    if (this.waiting === 0) return
    const { clock, logger } = this.#parts
    const when = afterMs === 0 ? '' : `, in ${afterMs / 1_000} s`
    logger.info(`dialling back ${this.waiting} peers that were connected before${when}`)
    this.#cancelEnd = clock.after(afterMs + dialBackWithinMs, () => this.#end())
    this.#cancelProgress = clock.after(afterMs + progressIntervalMs, this.#sayProgress)
    if (afterMs === 0) this.#goOn()
    else this.#cancelPause = clock.after(afterMs, this.#goOn)
  }

  /** Leaves those who have not been tried to the next process. */
  stop(): void {
    this.#over = true
    this.#cancelPause()
    this.#cancelEnd()
    this.#cancelProgress()
    for (const dial of this.#inFlight.keys()) dial.abort()
  }

  readonly #goOn = (): void => {
    this.#cancelPause()
    const { clock, isBusy } = this.#parts
    for (let looked = 0; !this.#over && this.#inFlight.size < maxParallelDials; looked++) {
      if (looked === peersInTurn || isBusy() || !this.#pace.isOpen(clock.now())) {
        this.#cancelPause = clock.after(pauseMs, this.#goOn)
        return
      }
      const attempt = this.#waiting.pop() ?? this.#again.pop()
      if (attempt !== undefined) this.#try(attempt)
      else if (this.#inFlight.size > 0) return
      else if (this.#last.length > 0) [this.#waiting, this.#last] = [this.#last, []]
      else this.#end()
    }
  }

  #try(attempt: Attempt): void {
    const { isConnected, hasRoom, own } = this.#parts
    if (isConnected(attempt.peer.key)) {
      this.#finish(attempt, 'cameBack')
      return
    }
    if (!hasRoom()) {
      const from = attempt.choices === undefined ? this.#waiting : this.#again
      from.push(attempt)
      this.#end()
      return
    }
    const isFirst = attempt.choices === undefined
    attempt.choices ??= choicesFor(attempt.peer, own)
    const choice = this.#nextOf(attempt.choices)
    const address = choice && addressOf(attempt.peer, choice)
    if (choice === undefined || address === undefined) {
      this.#finish(attempt, isFirst ? 'undialable' : 'failed')
      return
    }
    this.#pace.count(choice)
    this.#tried.set(endpointKey(choice.endpoint), choice.isProven)
    void this.#dial(attempt, address)
  }

  #nextOf(choices: Choice[]): Choice | undefined {
    for (let choice = choices.shift(); choice !== undefined; choice = choices.shift()) {
      if (!this.#wasTried(choice) && this.#pace.allows(choice)) return choice
    }
    return undefined
  }

  /** Who only names an address takes nothing away from the one who came from it. */
  #wasTried({ endpoint, isProven }: Choice): boolean {
    const wasProven = this.#tried.get(endpointKey(endpoint))
    return wasProven === true || (wasProven === false && !isProven)
  }

  async #dial(attempt: Attempt, address: Multiaddr): Promise<void> {
    const dial = new AbortController()
    this.#inFlight.set(dial, attempt)
    const cancel = this.#parts.clock.after(dialWithinMs, () => dial.abort())
    try {
      await this.#parts.dial(address, dial.signal)
      if (!this.#over) this.#finish(attempt, 'dialled')
    } catch {
      // it may be there at another of its addresses
      if (!this.#over) this.#again.push(attempt)
    } finally {
      cancel()
      this.#inFlight.delete(dial)
    }
    if (!this.#over) this.#goOn()
  }

  #finish({ peer }: Attempt, how: keyof DialBackCounts): void {
    this.counts[how]++
    this.#parts.onOver(peer, how)
  }

  #end(): void {
    const { clock, logger, isConnected } = this.#parts
    this.stop()
    // there is no time left for their other addresses
    for (const attempt of this.#again.splice(0)) {
      this.#finish(attempt, isConnected(attempt.peer.key) ? 'cameBack' : 'failed')
    }
    const seconds = ((clock.now() - this.#startedMs) / 1_000).toFixed(1)
    logger.info(`dial-back over after ${seconds} s: ${this.#summary()}`)
    this.#waiting = []
    this.#last = []
  }

  readonly #sayProgress = (): void => {
    this.#parts.logger.info(`dialling back: ${this.#summary()}`)
    this.#cancelProgress = this.#parts.clock.after(progressIntervalMs, this.#sayProgress)
  }

  #summary(): string {
    const { dialled, cameBack, failed, undialable } = this.counts
    const left = this.waiting + this.#inFlight.size
    return `connected=${dialled} came_back=${cameBack} failed=${failed} undialable=${undialable} left=${left}`
  }
}

export function addressOf({ key }: FormerPeer, { endpoint }: Choice): Multiaddr | undefined {
  try {
    const id = peerIdFromMultihash(decodeMultihash(bytesOf(key)))
    return dialable(endpoint, id.toString())
  } catch {
    // what is no peer id cannot have been connected
    return undefined
  }
}
