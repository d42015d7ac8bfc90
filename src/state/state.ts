import type { Clock } from '../clock.ts'
import { BootstrapError } from '../errors.ts'
import type { Logger } from '../observe/logger.ts'
import { readPid } from './data-dir.ts'
import { troubleOf } from './level.ts'
import { LevelStore } from './level-store.ts'
import type { Changes, StateStore } from './store.ts'
import { WriteBehind, type WriteProblem } from './write-behind.ts'

export interface StateHealth {
  /** Why nothing can be saved now; undefined: it can. */
  readonly problem: WriteProblem | undefined
  /** Keys whose change is not saved yet. */
  readonly pending: number
  /** Where damaged state was put since the start. */
  readonly setAside: readonly string[]
}

/** What outlives the process, in `DATA_DIR`. */
export interface State {
  readonly store: Pick<StateStore, 'entries'>
  readonly changes: Changes
  /** @param listener one; told when some of what was written is not in the store any more, and should be written again */
  whenReplaced(listener: () => void): void
  health(): StateHealth
  /**
   * Saves what is left, and gives the directory back.
   *
   * @throws what kept it from being saved
   */
  close(): Promise<void>
}

/**
 * Takes the directory for this process. One that cannot be used is said, tried again, and keeps nobody from going on.
 *
 * @throws BootstrapError ERR_DATA_DIR_IN_USE
 */
export async function openState(dataDir: string, parts: { logger: Logger; clock: Clock }): Promise<State> {
  const { logger, clock } = parts
  // before somebody listens nobody has taken anything from the store, and nothing is to be written again
  let replaced = () => {}
  const store = new LevelStore(dataDir, { logger, onReplaced: () => replaced() })
  const changes = new WriteBehind({ store, clock, logger })
  try {
    await store.open()
  } catch (error) {
    const path = dataDir
    if (troubleOf(error).trouble === 'locked')
      throw new BootstrapError('ERR_DATA_DIR_IN_USE', { path, pid: readPid(path) }, { cause: error })
    changes.failed(error)
  }
  return {
    store,
    changes,
    whenReplaced(listener) {
      replaced = listener
    },
    health: () => ({ problem: changes.problem, pending: changes.pending, setAside: store.setAside }),
    async close() {
      try {
        await changes.close()
      } finally {
        await store.close()
      }
    }
  }
}
