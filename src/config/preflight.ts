import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parse } from 'dotenv'

/**
 * Tries to open a file for appending, making its folder where it is missing, as the log will do later.
 *
 * @returns why that is impossible, or undefined
 */
export function whyNotWritable(path: string): string | undefined {
  try {
    mkdirSync(dirname(path), { recursive: true })
    closeSync(openSync(path, 'a'))
    return undefined
  } catch (error) {
    return `it cannot be written (${error instanceof Error ? error.message : String(error)})`
  }
}

/** What a `.env` file says; nothing when there is none. */
export interface Dotenv {
  readonly values: Readonly<Record<string, string>>
  /** Why the file could not be read. */
  readonly problem?: string
}

export function readDotenv(path: string): Dotenv {
  try {
    return { values: parse(readFileSync(path)) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { values: {} }
    return { values: {}, problem: `it cannot be read (${error instanceof Error ? error.message : String(error)})` }
  }
}
