import { Fifo } from '../../fifo.ts'
import type { Origin } from '../../peers/address-prefix.ts'

/**
 * Once the first of an address has waited so long, its last goes first: a Go client that dials a private address gives up
 * after 5 s, and to serve those who have, while others come who soon will, is to serve nobody.
 */
export const lastFirstAfterMs = 4_000

/** A Go client that dials a public address gives up after 15 s. */
export const lostAfterMs = 14_000

/**
 * Who may wait. An address gets 3,400 in before they have given up: its burst, and 14 s of its rate. At the bound of all a
 * network may have its share of half as many more, so that those who fill it keep nobody else out; a socket takes 15 KB.
 */
export const mostWaiting = { ofAddress: 4_096, ofNetwork: 4_096, ofAll: 16_384 }

interface Waiting<T> {
  readonly item: T
  readonly sinceMs: number
}

/** Who waits from one address. */
class AddressLine<T> {
  readonly waiting = new Fifo<Waiting<T>>()
  /** Passed over until the line is told to ask again. */
  aside = false

  constructor(
    readonly from: Origin,
    readonly network: NetworkLine<T>
  ) {}
}

class NetworkLine<T> {
  /** Its addresses from which somebody waits, but those that are passed over. */
  readonly turns = new Fifo<AddressLine<T>>()
  /** Those that are passed over, too. */
  addresses = 0
  /** Who waits from all of them. */
  size = 0
}

export interface FairLineOptions<T> {
  /** Whether one more from there may go now; counts it if so. Default: always. */
  readonly mayGo?: (from: Origin) => boolean
  /**
   * Whether nobody may go now, wherever from. Asked once before a line is: else each of tens of thousands would be, to hear the
   * same. Default: never.
   */
  readonly isClosed?: () => boolean
  /** Told who has waited for too long, and will not go any more. Adds nobody. */
  readonly onLost: (item: T) => void
  readonly most?: typeof mostWaiting
}

/**
 * A line in which networks go by turns, and the addresses of a network by its turns: whoever sends many makes those wait who
 * come from the same place, and nobody else. Each operation is O(1) but for {@link askAgain}, and for those whom `take` passes
 * over: their own place has none left, so they are few places. Holds an entry for each who waits, and for each address and
 * network of them.
 */
export class FairLine<T> {
  readonly #lines = new Map<string, AddressLine<T>>()
  readonly #networks = new Map<string, NetworkLine<T>>()
  readonly #turns = new Fifo<NetworkLine<T>>()
  readonly #options: FairLineOptions<T>
  readonly #most: typeof mostWaiting
  #aside: AddressLine<T>[] = []
  #size = 0

  constructor(options: FairLineOptions<T>) {
    this.#options = options
    this.#most = options.most ?? mostWaiting
  }

  /** All who wait. */
  get size(): number {
    return this.#size
  }

  /** Who wait from a network. */
  sizeOf({ network }: Origin): number {
    return this.#networks.get(network)?.size ?? 0
  }

  /** Addresses from which somebody waits. */
  get addresses(): number {
    return this.#lines.size
  }

  /** Origin that are known. */
  get networks(): number {
    return this.#networks.size
  }

  /** Whether somebody waits who is not passed over. */
  get hasNext(): boolean {
    return this.#turns.length > 0
  }

  /** Whether somebody is passed over. */
  get hasAside(): boolean {
    return this.#aside.length > 0
  }

  /**
   * @returns false when too many wait from there. Whoever has waited longest would be the better one to go, but has grown old
   *   in memory by then, which makes a flood of sockets several times as dear
   */
  add(item: T, from: Origin, nowMs: number): boolean {
    if (!this.#hasRoom(from)) return false
    const line = this.#lines.get(from.address) ?? this.#open(from)
    line.waiting.push({ item, sinceMs: nowMs })
    line.network.size++
    this.#size++
    return true
  }

  /** Whether nobody may go now, wherever from. */
  get isClosed(): boolean {
    return this.#options.isClosed?.() === true
  }

  /** Who goes next; undefined when nobody waits but those who are passed over, or nobody may go. */
  take(nowMs: number): T | undefined {
    if (this.isClosed) return undefined
    for (let network = this.#turns.shift(); network !== undefined; network = this.#turns.shift()) {
      const line = network.turns.shift()
      const item = line === undefined ? undefined : this.#takeFrom(line, nowMs)
      if (line !== undefined) this.#putBack(line)
      if (network.turns.length > 0) this.#turns.push(network)
      if (item !== undefined) return item
    }
    return undefined
  }

  /** Those who were passed over are asked again. To be called every now and then. */
  askAgain(): void {
    for (const line of this.#aside.splice(0)) {
      line.aside = false
      this.#enter(line)
    }
  }

  #hasRoom(from: Origin): boolean {
    const { ofAddress, ofNetwork, ofAll } = this.#most
    const inNetwork = this.sizeOf(from)
    if (inNetwork >= ofNetwork || (this.#lines.get(from.address)?.waiting.length ?? 0) >= ofAddress) return false
    if (this.#size < ofAll) return true
    return this.#size < 1.5 * ofAll && inNetwork < ofAll / (2 * this.#networks.size)
  }

  #open(from: Origin): AddressLine<T> {
    const network = this.#networks.get(from.network) ?? new NetworkLine<T>()
    this.#networks.set(from.network, network)
    const line = new AddressLine(from, network)
    this.#lines.set(from.address, line)
    network.addresses++
    this.#enter(line)
    return line
  }

  #enter(line: AddressLine<T>): void {
    const { turns } = line.network
    if (turns.length === 0) this.#turns.push(line.network)
    turns.push(line)
  }

  #takeFrom(line: AddressLine<T>, nowMs: number): T | undefined {
    const { waiting, from } = line
    for (let first = waiting.first; first !== undefined; first = waiting.first) {
      const waitedMs = nowMs - first.sinceMs
      if (waitedMs >= lostAfterMs) {
        this.#lose(line)
        continue
      }
      if (this.#options.mayGo?.(from) === false) {
        line.aside = true
        return undefined
      }
      this.#left(line)
      return (waitedMs >= lastFirstAfterMs ? waiting.pop() : waiting.shift())?.item
    }
    return undefined
  }

  #lose(line: AddressLine<T>): void {
    const lost = line.waiting.shift()
    if (lost === undefined) return
    this.#left(line)
    this.#options.onLost(lost.item)
  }

  #left(line: AddressLine<T>): void {
    line.network.size--
    this.#size--
  }

  /** Behind the others of its network, aside, or away when nobody waits in it. */
  #putBack(line: AddressLine<T>): void {
    const { from, network, waiting } = line
    if (line.aside) this.#aside.push(line)
    else if (waiting.length > 0) network.turns.push(line)
    else {
      this.#lines.delete(from.address)
      if (--network.addresses === 0) this.#networks.delete(from.network)
    }
  }
}
