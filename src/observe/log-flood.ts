import type { Clock } from '../clock.ts'

/** How often one text may come within a window, and how many texts are told apart in it. */
export interface FloodLimits {
  readonly lines: number
  readonly windowMs: number
  readonly texts: number
}

/**
 * What happens to the node comes a handful of times a minute (CONTRIBUTING.md); at 200 texts these are 4,000 lines a minute, 0.6 MB,
 * at the very worst.
 */
export const eventLimits: FloodLimits = { lines: 20, windowMs: 60_000, texts: 200 }

/**
 * What single peers do, which is logged only when somebody asked for it: 300 joins a second are what one core takes over TLS, so
 * the log is complete until a flood.
 */
export const peerLimits: FloodLimits = { lines: 300, windowMs: 1_000, texts: 200 }

/** pino's. */
const debugLevel = 20
const fatalLevel = 60

/** Of a text no more is looked at: the words that tell it from another stand at its beginning. */
const comparedLength = 120

const otherTexts = 'other texts'

/** What begins so is never left out: scripts rely on it (the README's list), or it tells what was left out. */
const promised =
  /^(Libp2p host created with ID: |Gossipsub parameter hash: |Bootstrap node |Listening on addresses: |The sockets were passed |Status: |Peerstore GC: |BOOTSTRAP_PEERS: |the state |the damaged state |the machine's clock was set |memory is |the heap is |the number of open files is |open files: |\S+ newcomers were refused |\S+ peers have gone silent |Shutting down |Error during shutdown: |Log level: |Log lines left out: )/

const ofPeers = 'Bootstrap Peer '

interface Count {
  readonly level: number
  seen: number
}

type OnLeftOut = (shape: string, level: number, lines: number, windowMs: number) => void

/** One window at a time: it begins with its first line, and when it ends all that was counted in it is forgotten. */
class Window {
  readonly #limits: FloodLimits
  readonly #clock: Clock
  readonly #onLeftOut: OnLeftOut
  readonly #counts = new Map<string, Count>()
  #cancel = () => {}

  constructor(limits: FloodLimits, clock: Clock, onLeftOut: OnLeftOut) {
    this.#limits = limits
    this.#clock = clock
    this.#onLeftOut = onLeftOut
  }

  get texts(): number {
    return this.#counts.size
  }

  admits(shape: string, level: number): boolean {
    const count = this.#counts.get(shape) ?? this.#newcomer(shape, level)
    return ++count.seen <= this.#limits.lines
  }

  end(): void {
    this.#cancel()
    const over = [...this.#counts].filter(([, { seen }]) => seen > this.#limits.lines)
    this.#counts.clear()
    for (const [shape, { seen, level }] of over) {
      this.#onLeftOut(shape, level, seen - this.#limits.lines, this.#limits.windowMs)
    }
  }

  #newcomer(shape: string, level: number): Count {
    if (this.#counts.size === 0) this.#cancel = this.#clock.after(this.#limits.windowMs, () => this.end())
    const key = this.#counts.size < this.#limits.texts ? shape : otherTexts
    const count = this.#counts.get(key) ?? { level, seen: 0 }
    this.#counts.set(key, count)
    return count
  }
}

/**
 * Keeps what peers cause from flooding the log: of lines that differ only in words with a digit in them (ids, addresses, counts) so
 * many are written in a window, and then how many were not.
 */
export class LogFlood {
  readonly #events: Window
  readonly #peers: Window
  #linesLeftOut = 0

  /** @param report writes a line at a level of pino's, at the end of a window in which something was left out */
  constructor(clock: Clock, report: (text: string, level: number) => void) {
    const onLeftOut: OnLeftOut = (shape, level, lines, windowMs) => {
      report(`Log lines left out: ${lines} like "${shape}" within ${windowMs / 1_000} s`, level)
    }
    this.#events = new Window(eventLimits, clock, onLeftOut)
    this.#peers = new Window(peerLimits, clock, onLeftOut)
  }

  /** Since the start. */
  get linesLeftOut(): number {
    return this.#linesLeftOut
  }

  /** Texts that are told apart at the moment. */
  get texts(): number {
    return this.#events.texts + this.#peers.texts
  }

  /** Whether a line is to be written; one that is not has been counted. */
  admits(text: string, level: number): boolean {
    if (level >= fatalLevel || promised.test(text)) return true
    const window = level <= debugLevel || text.startsWith(ofPeers) ? this.#peers : this.#events
    if (window.admits(shapeOf(text), level)) return true
    this.#linesLeftOut++
    return false
  }

  /** Reports what was left out so far. */
  flush(): void {
    this.#events.end()
    this.#peers.end()
  }
}

/** A text without what differs from one event to the next. */
function shapeOf(text: string): string {
  return text.slice(0, comparedLength).replace(/\S*\d\S*/g, '*')
}
