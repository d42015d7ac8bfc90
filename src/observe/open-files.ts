import { closeSync, openSync, readFileSync } from 'node:fs'

/**
 * How many files this process may have open. Node raises its soft limit to the hard one when it starts. Undefined where the
 * system does not say (not Linux).
 */
export function openFileLimit(read = () => readFileSync('/proc/self/limits', 'utf8')): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(read())?.[1]
    if (soft === undefined) return undefined
    return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    return undefined
  }
}

/** Whether not even one more can be opened, by the process or on the machine. */
export function isOutOfFiles(): boolean {
  try {
    closeSync(openSync('/dev/null', 'r'))
    return false
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'EMFILE' || code === 'ENFILE'
  }
}
