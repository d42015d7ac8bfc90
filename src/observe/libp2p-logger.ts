import { format } from 'node:util'
import type { ComponentLogger, Logger as Libp2pLogger } from '@libp2p/interface'
import type { Logger } from 'pino'
import type { LogLevel } from '../config/index.ts'
import { visible } from './log-format.ts'

/**
 * Leads the libraries' logs into the node's. What they call an error is mostly a peer's doing (a refused stream, a
 * failed handshake) and is routine for a public node, hence `debug`; so they say nothing at `info` and above.
 */
export class LibraryLog implements ComponentLogger {
  readonly #sink: Logger
  #level: LogLevel = 'info'

  constructor(logger: Logger, level: LogLevel) {
    this.#sink = logger.child({}, { level })
    this.level = level
  }

  get level(): LogLevel {
    return this.#level
  }

  /** Holds at once, for the loggers that were handed out before too. */
  set level(level: LogLevel) {
    this.#level = level
    this.#sink.level = level
  }

  get #isOn(): boolean {
    return this.#level === 'debug' || this.#level === 'trace'
  }

  forComponent(component: string): Libp2pLogger {
    // the words are partly a peer's: they must not make up lines of the log
    const line = (template: unknown, args: unknown[]) => visible(`${component} ${words(template, args)}`)
    const debug = (template: unknown, ...args: unknown[]) => {
      if (this.#isOn) this.#sink.debug(line(template, args))
    }
    const trace = (template: unknown, ...args: unknown[]) => {
      if (this.#level === 'trace') this.#sink.trace(line(template, args))
    }
    const newScope = (name: string) => this.forComponent(`${component}:${name}`)
    const log = Object.assign(debug, { error: debug, trace, enabled: false, newScope })
    return Object.defineProperty(log, 'enabled', { get: () => this.#isOn })
  }
}

/** Besides those of util.format the libraries use %p (peer id), %a (multiaddr), %e (error), %k, %b, %t and %c. */
function words(template: unknown, args: unknown[]): string {
  if (typeof template !== 'string') return format(template, ...args)
  return format(template.replace(/%[paekbtc]/g, '%s'), ...args.map(readable))
}

function readable(arg: unknown): unknown {
  if (arg instanceof Error) return arg.message
  if (typeof arg === 'function') return `[Function: ${arg.name || 'anonymous'}]`
  return arg instanceof Object ? `${arg}` : arg
}
