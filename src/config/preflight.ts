import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

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
