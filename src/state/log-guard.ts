import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setAside } from './data-dir.ts'
import { type Level, openLevel } from './level.ts'

export interface Guarded {
  readonly db: Level
  /** Where the store's log is, of which something could not be read. */
  readonly aside: string | undefined
}

/**
 * Opens a store, and keeps its log if something in it is damaged: LevelDB 1.20 leaves that out, says so in its file LOG
 * alone, and deletes the log (db/db_impl.cc, RecoverLogFile). An end that is missing since the process was killed is no
 * damage. Where the file system knows no hard links the log is not kept.
 *
 * @param nowMs wall time, for the name
 * @throws LevelTrouble
 */
export async function openGuarded(location: string, nowMs: number): Promise<Guarded> {
  const copies = `${location}.log`
  linkLogs(location, copies)
  let aside: string | undefined
  try {
    const db = await openLevel(location)
    if (hasDropped(location)) aside = tryTo(() => setAside(copies, nowMs))
    return { db, aside }
  } finally {
    tryTo(() => rmSync(copies, { recursive: true, force: true }))
  }
}

function linkLogs(location: string, copies: string): void {
  tryTo(() => {
    rmSync(copies, { recursive: true, force: true })
    const logs = readdirSync(location).filter((file) => /^\d+\.log$/.test(file))
    if (logs.length === 0) return
    mkdirSync(copies)
    for (const log of logs) linkSync(join(location, log), join(copies, log))
  })
}

function hasDropped(location: string): boolean {
  return tryTo(() => /: dropping \d+ bytes/.test(readFileSync(join(location, 'LOG'), 'utf8'))) ?? false
}

/** The store counts for more than the copy. */
function tryTo<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
