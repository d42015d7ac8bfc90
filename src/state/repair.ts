import { renameSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { setAside } from './data-dir.ts'
import { openLevel } from './level.ts'

export interface Repaired {
  /** Where the damaged store is now. */
  readonly aside: string
  /** What could be read of it is in its place; else nothing is. */
  readonly salvaged: boolean
}

/**
 * Puts what LevelDB's own repair reads of a copy in the place of a store that is damaged, or leaves the place empty. The
 * damaged one gets another name and stays as it is. Killed on the way, it is that one which the next start finds.
 *
 * @param location of a store that is closed, or of whatever stands in its place
 * @param nowMs wall time, for the name
 * @throws the error of the file system
 */
export async function repair(location: string, nowMs: number): Promise<Repaired> {
  const copy = `${location}.repairing`
  const salvaged = await salvage(location, copy)
  const aside = setAside(location, nowMs)
  if (salvaged) renameSync(copy, location)
  return { aside, salvaged }
}

async function salvage(location: string, copy: string): Promise<boolean> {
  try {
    await rm(copy, { recursive: true, force: true })
    await cp(location, copy, { recursive: true })
    const { ClassicLevel } = await import('classic-level')
    await ClassicLevel.repair(copy)
    await (await openLevel(copy)).close()
    return true
  } catch {
    await rm(copy, { recursive: true, force: true }).catch(() => {})
    return false
  }
}
