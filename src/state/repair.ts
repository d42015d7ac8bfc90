import { lstatSync, realpathSync, renameSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { setAside } from './data-dir.ts'
import { LevelTrouble, openLevel, reasonOf, troubleOf } from './level.ts'

export interface Repaired {
  /** Where the damaged store is now. */
  readonly aside: string
  /** What could be read of it is in its place; else nothing is. */
  readonly salvaged: boolean
}

/**
 * Puts what LevelDB's own repair reads of a copy in the place of a store that is damaged, or leaves the place empty when
 * there is nothing that it can read. The damaged one gets another name and stays as it is. Killed on the way, it is that
 * one which the next start finds.
 *
 * @param location of a store that is closed, or of whatever stands in its place
 * @param nowMs wall time, for the name
 * @returns undefined: nothing is there
 * @throws LevelTrouble `unusable`: it cannot be copied or repaired now, and is where it was
 */
export async function repair(location: string, nowMs: number): Promise<Repaired | undefined> {
  if (lstatSync(location, { throwIfNoEntry: false }) === undefined) return undefined
  const copy = `${location}.repairing`
  try {
    const salvaged = await salvage(location, copy)
    const aside = setAside(location, nowMs)
    if (salvaged) renameSync(copy, location)
    return { aside, salvaged }
  } catch (error) {
    throw new LevelTrouble('unusable', error)
  }
}

/** @throws whatever keeps the copy from being made, or from being written: that says nothing of what is in the store */
async function salvage(location: string, copy: string): Promise<boolean> {
  try {
    await rm(copy, { recursive: true, force: true })
    // what a link leads to: a copy of the link would have LevelDB repair the store itself
    await cp(realpathSync(location), copy, { recursive: true })
    const { ClassicLevel } = await import('classic-level')
    await ClassicLevel.repair(copy)
    await (await openLevel(copy)).close()
    return true
  } catch (error) {
    // it takes room, which may be what was missing
    await rm(copy, { recursive: true, force: true }).catch(() => {})
    if (isOfTheStore(error)) return false
    throw error
  }
}

/** Errors of the copying never are: their words are Node's, not LevelDB's. */
function isOfTheStore(error: unknown): boolean {
  return troubleOf(error).trouble === 'damaged' || reasonOf(error).endsWith('repair found no files')
}
