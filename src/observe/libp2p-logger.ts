import { format } from 'node:util'
import type { ComponentLogger, Logger as Libp2pLogger } from '@libp2p/interface'
import type { Logger } from 'pino'
import type { LogLevel } from '../config/index.ts'
import { visible } from './logger.ts'

/** One object for all components and connections: a logger of its own costs the library 5 KiB a connection. */
const silent: Libp2pLogger = Object.assign(() => {}, {
  error: () => {},
  trace: () => {},
  enabled: false,
  newScope: () => silent
})

/**
 * Leads the libraries' logs into the node's. What they call an error is mostly a peer's doing (a refused stream, a
 * failed handshake) and is routine for a public node, hence `debug`; so they say nothing at `info` and above.
 */
export function libp2pLogger(logger: Logger, level: LogLevel): ComponentLogger {
  if (level !== 'debug' && level !== 'trace') return { forComponent: () => silent }

  const sink = logger.child({}, { level })
  const forComponent = (component: string): Libp2pLogger => {
    // the words are partly a peer's: they must not make up lines of the log
    const line = (template: unknown, args: unknown[]) => visible(`${component} ${words(template, args)}`)
    const debug = (template: unknown, ...args: unknown[]) => sink.debug(line(template, args))
    return Object.assign(debug, {
      error: debug,
      trace: level === 'trace' ? (template: unknown, ...args: unknown[]) => sink.trace(line(template, args)) : () => {},
      enabled: true,
      newScope: (name: string) => forComponent(`${component}:${name}`)
    })
  }
  return { forComponent }
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
