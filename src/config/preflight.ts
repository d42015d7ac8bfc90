import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse } from 'dotenv'

/**
 * Tries to open a file for appending, making its folder where it is missing, as the log will do later.
 *
 * @returns why that is impossible, or undefined
 */
export function whyNotWritable(path: string): string | undefined {
  try {
    makeFolder(dirname(resolve(path)))
    // a pipe without a reader would wait for ever, and what is no file cannot be rotated
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) return 'it is no regular file'
    closeSync(openSync(path, 'a'))
    return undefined
  } catch (error) {
    return `it cannot be written (${error instanceof Error ? error.message : String(error)})`
  }
}

/** One folder after the other, the last with `mode`: mkdirSync with `recursive` never returns below /proc (Node 20.20). */
export function makeFolder(folder: string, mode?: number): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return
  if (dirname(folder) !== folder) makeFolder(dirname(folder))
  mkdirSync(folder, mode)
}

/** What a `.env` file says; nothing when there is none. */
export interface Dotenv {
  readonly values: Readonly<Record<string, string>>
  /** Why the file could not be read. */
  readonly problem?: string
}

export function readDotenv(path: string): Dotenv {
  try {
    const file = statSync(path, { throwIfNoEntry: false })
    if (file === undefined) return { values: {} }
    // a folder, or a pipe, which would wait for a writer
    if (!file.isFile()) return { values: {}, problem: 'it cannot be read: it is no regular file' }
    return { values: parse(readFileSync(path)) }
  } catch (error) {
    return { values: {}, problem: `it cannot be read (${error instanceof Error ? error.message : String(error)})` }
  }
}
