import { mkdirSync, readdirSync, statSync } from 'node:fs'
import type { ClassicLevel } from 'classic-level'

export type Level = ClassicLevel<Buffer, Buffer>

/** What is read is read once, at the start. */
const cacheBytes = 1024 * 1024

type Trouble = 'locked' | 'damaged' | 'unusable'

/** Why a store cannot be used: another has it, it is not what a store looks like, or the file system refuses. */
export class LevelTrouble extends Error {
  constructor(
    readonly trouble: Trouble,
    cause: unknown
  ) {
    super(reasonOf(cause), { cause })
  }
}

/**
 * Opens a store, making it where there is none. The folder that holds it has to exist.
 *
 * @throws LevelTrouble
 */
export async function openLevel(location: string): Promise<Level> {
  prepare(location)
  // only where it is wanted: the library takes 6 MB
  const { ClassicLevel } = await import('classic-level')
  const db: Level = new ClassicLevel(location, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    cacheSize: cacheBytes
  })
  try {
    await db.open()
    return db
  } catch (error) {
    await db.close().catch(() => {})
    throw troubleOf(error)
  }
}

/**
 * Makes the folder: the library would too, and give ENOENT for whatever keeps it from that. LevelDB takes a folder without
 * CURRENT for an empty one, makes a store in it and deletes the files that are no part of it: that is refused here.
 */
function prepare(location: string): void {
  let files: string[]
  try {
    const stat = statSync(location, { throwIfNoEntry: false })
    if (stat === undefined) {
      mkdirSync(location, 0o700)
      return
    }
    if (!stat.isDirectory()) throw new LevelTrouble('damaged', new Error(`${location} is no directory`))
    files = readdirSync(location)
  } catch (error) {
    throw troubleOf(error)
  }
  if (files.some((file) => /^\d+\.(ldb|sst|log)$/.test(file)) && !files.includes('CURRENT'))
    throw new LevelTrouble('damaged', new Error(`${location} has lost its file CURRENT`))
}

export function troubleOf(error: unknown): LevelTrouble {
  if (error instanceof LevelTrouble) return error
  const { code, message } = deepest(error)
  if (code === 'LEVEL_LOCKED') return new LevelTrouble('locked', error)
  // "Invalid argument": the store is of another kind, or a table is shorter than it says; the others: a file is gone or a folder
  const damaged =
    code === 'LEVEL_CORRUPTION' ||
    /^Invalid argument|\.(ldb|sst): Invalid argument$|No such file or directory$|Is a directory$|Not a directory$/.test(
      message
    )
  return new LevelTrouble(damaged ? 'damaged' : 'unusable', error)
}

/** What the system says, without the wrappings of the library. */
export function reasonOf(error: unknown): string {
  return deepest(error).message
}

function deepest(error: unknown): { code: unknown; message: string } {
  if (!(error instanceof Error)) return { code: undefined, message: String(error) }
  if (error.cause instanceof Error) return deepest(error.cause)
  return { code: (error as NodeJS.ErrnoException).code, message: error.message }
}
