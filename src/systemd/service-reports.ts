import type { Clock } from '../clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Supervision } from './supervision.ts'

/** `systemctl status` shows what is at most so old. */
export const statusIntervalMs = 60_000

export interface ServiceParts {
  readonly supervision: Supervision
  /** Takes one assignment of sd_notify(3). */
  readonly notify: (assignment: string) => void
  readonly clock: Clock
  readonly logger: Logger
}

/** What of the node systemd is told. */
export interface Served {
  /** Peers. */
  connected(): number
  /** Whether its ports are open. */
  isListening(): boolean
}

/**
 * Tells systemd that the service is ready, how many peers are connected, that it lives, and that it stops. The sign of life is
 * a timer's: it comes only while the event loop turns, and is held back when the ports are closed, which a restart mends.
 */
export class ServiceReports {
  readonly #parts: ServiceParts
  #cancels: Array<() => void> = []

  constructor(parts: ServiceParts) {
    this.#parts = parts
  }

  ready(served: Served): void {
    const { notify, supervision } = this.#parts
    const sayStatus = () => notify(`STATUS=serving, ${served.connected()} peers connected`)
    notify('READY=1')
    sayStatus()
    this.#cancels = [this.#every(statusIntervalMs, sayStatus)]
    // as sd_watchdog_enabled(3) recommends
    if (supervision.watchdogMs !== undefined) {
      this.#cancels.push(this.#every(supervision.watchdogMs / 2, () => this.#live(served)))
    }
  }

  stopping(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
    this.#parts.notify('STOPPING=1')
  }

  #live(served: Served): void {
    if (served.isListening()) this.#parts.notify('WATCHDOG=1')
    else this.#parts.logger.error('the node does not listen any more; systemd will restart it')
  }

  #every(ms: number, act: () => void): () => void {
    const schedule = (): (() => void) =>
      this.#parts.clock.after(ms, () => {
        act()
        cancel = schedule()
      })
    let cancel = schedule()
    return () => cancel()
  }
}
