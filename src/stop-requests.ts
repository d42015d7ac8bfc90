import { isatty } from 'node:tty'
import type { Logger } from 'pino'
import { messageOf } from './errors.ts'

/** 0: asked to stop, or done; 1: the node could not start or had to give up; 2: wrong configuration. */
export type ExitCode = 0 | 1 | 2

/** Under `npm start` one Ctrl-C arrives twice: from the terminal, and passed on by npm. */
const sameKeyPressMs = 250

/**
 * SIGINT and SIGTERM stop the node, and SIGHUP when its terminal is gone; a second one at once. An uncaught error stops it too,
 * and is never swallowed. In force from the first moment of the process, before the node's own code is loaded.
 */
export class StopRequests {
  exitCode: ExitCode = 0
  readonly #controller = new AbortController()
  /** What was to be said before there was a log. */
  readonly #unsaid: Array<(logger: Logger) => void> = []
  #logger: Logger | undefined
  #firstAtMs = 0

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, this.#onSignal)
    // what they ask of a running node (commands.ts) must not end one that starts
    process.on('SIGHUP', hasTerminal() ? this.#onSignal : () => {})
    process.on('SIGUSR2', () => {})
    // Node would open its inspector for anyone on this machine
    process.on('SIGUSR1', () => this.#say((logger) => logger.warn('SIGUSR1 is ignored')))
    process.on('uncaughtException', this.#onError)
  }

  /** Fires with the first request. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Settles with the first request. */
  requested(): Promise<void> {
    const { signal } = this
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  }

  logTo(logger: Logger): void {
    this.#logger = logger
    for (const say of this.#unsaid.splice(0)) say(logger)
  }

  #say(say: (logger: Logger) => void): void {
    if (this.#logger === undefined) this.#unsaid.push(say)
    else say(this.#logger)
  }

  readonly #onSignal = (): void => {
    if (this.signal.aborted) {
      if (performance.now() - this.#firstAtMs > sameKeyPressMs) process.exit(1)
      return
    }
    this.#firstAtMs = performance.now()
    this.#say((logger) => logger.info('Shutting down bootstrap node...'))
    this.#controller.abort()
  }

  readonly #onError = (err: unknown, origin: string): void => {
    const what = origin === 'unhandledRejection' ? 'unhandled rejection' : 'uncaught error'
    if (this.#logger === undefined) {
      // nothing has been opened that would have to be closed
      process.stderr.write(`${what}: ${err instanceof Error ? err.stack : String(err)}\n`)
      process.exit(1)
    }
    this.#logger.fatal({ err }, `${what}: ${messageOf(err)}`)
    this.exitCode = 1
    this.#controller.abort()
  }
}

/** Whether this process was started from a terminal, whose end SIGHUP tells; to a daemon it says: open the log file anew. */
export function hasTerminal(): boolean {
  return [0, 1, 2].some((fd) => isatty(fd))
}
