import type { Logger } from 'pino'
import type { LogLevel } from '../config/index.ts'

export interface Levels {
  /** Of the node's own log. */
  readonly level: LogLevel
  /** Of the libraries'. */
  readonly libp2p: LogLevel
}

const chatty: readonly LogLevel[] = ['trace', 'debug']

/** The levels of the log, which can be changed while the node runs. */
export class LogLevels {
  readonly #logger: Logger
  readonly #libraries: { level: LogLevel }
  readonly #configured: Levels

  constructor(logger: Logger, libraries: { level: LogLevel }) {
    this.#logger = logger
    this.#libraries = libraries
    this.#configured = this.current
  }

  get current(): Levels {
    return { level: this.#logger.level as LogLevel, libp2p: this.#libraries.level }
  }

  /** The log says so, if either the old level or the new lets it. */
  set(change: Partial<Levels>): void {
    const { level, libp2p } = { ...this.current, ...change }
    const say = () => this.#logger.info(`Log level: ${level}, of the libraries: ${libp2p}`)
    const isHeard = this.#logger.isLevelEnabled('info')
    if (isHeard) say()
    this.#logger.level = level
    this.#libraries.level = libp2p
    if (!isHeard) say()
  }

  /** The next of: as configured; the node at `debug`; the libraries too. A level that says as much already is left out. */
  cycle(): void {
    const { level, libp2p } = this.current
    if (!chatty.includes(level)) this.set({ level: 'debug' })
    else if (!chatty.includes(libp2p)) this.set({ libp2p: 'debug' })
    else this.set(this.#isQuiet ? this.#configured : { level: 'info', libp2p: 'info' })
  }

  /** Whether what is configured is less than what the cycle leads to. */
  get #isQuiet(): boolean {
    return !chatty.includes(this.#configured.level) || !chatty.includes(this.#configured.libp2p)
  }
}
