import { readdirSync, statSync } from 'node:fs'
import type { ClassicLevel } from 'classic-level'

export type Level = ClassicLevel<Buffer, Buffer>

/** What is read is read once, at the start. */
const cacheBytes = 1024 * 1024

/** In the order in which they are worth showing. */
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
 * Opens a store, making it where there is none. Its folder has to exist.
 *
 * @throws LevelTrouble
 */
export async function openLevel(location: string): Promise<Level> {
  refuseWhatLevelWouldDelete(location)
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

/** LevelDB takes a folder without CURRENT for an empty one, makes a store in it and deletes the files that are no part of it. */
function refuseWhatLevelWouldDelete(location: string): void {
  let files: string[]
  try {
    if (statSync(location, { throwIfNoEntry: false }) === undefined) return
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
  // "Invalid argument": the store is of another kind; the others: one of its files is gone or is a folder
  const damaged =
    code === 'LEVEL_CORRUPTION' ||
    code === 'ENOTDIR' ||
    /^Invalid argument|No such file or directory$|Is a directory$|Not a directory$/.test(message)
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
