import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { collectAll } from './collector.ts'
import { Excess, lookEveryMs, type MemoryReading } from './excess.ts'

export interface GiveBackParts {
  readonly read: () => MemoryReading
  readonly clock: Clock
  readonly logger: Logger
  /** Default: V8's. */
  readonly collect?: () => Promise<void>
}

const mebibyte = 1024 * 1024

/**
 * Gives memory back to the system once a flood is over.
 *
 * @returns ends it
 */
export function startGiveBack({ read, clock, logger, collect = collectAll }: GiveBackParts): () => void {
  const excess = new Excess()
  // an empty node's is a good measure
  excess.look(read(), clock.now())
  let cancel = clock.after(lookEveryMs, look)
  return () => cancel()

  function look(): void {
    cancel = clock.after(lookEveryMs, look)
    const reading = read()
    if (!excess.look(reading, clock.now())) return
    const beganMs = clock.now()
    const residentMB = Math.round(reading.residentBytes / mebibyte)
    collect().then(
      () => {
        const ms = Math.round(clock.now() - beganMs)
        logger.info({ residentMB, ms }, 'gave memory back that was not needed any more')
      },
      (error) => logger.warn({ err: error }, 'memory that is not needed any more was not given back')
    )
  }
}
