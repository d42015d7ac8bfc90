import { closeSync, openSync, readFileSync } from 'node:fs'

/** Go's limit above high water for connections in total: ConnManagerHighWater + 100 in the Go service. */
const connectionHeadroom = 100

/**
 * What is no connection and needs a file: ports, log, state and its tables, newcomers who are turned away, and the servers for
 * operators; a node with nobody connected has some 40 open.
 */
const filesBesideConnections = 200

/** The files that a node needs which trims at `highWater`; with fewer it lets in fewer. deploy/monitoring/alerts.yml says it too. */
export function filesNeeded(highWater: number): number {
  return highWater + connectionHeadroom + filesBesideConnections
}

/** Go's limit, or fewer where there are not so many files: whoever comes when there is none is closed without a word. */
export function mostConnections(highWater: number, files = Number.POSITIVE_INFINITY): number {
  const least = Math.floor(files / 2)
  return Math.min(highWater + connectionHeadroom, Math.max(files - filesBesideConnections, least))
}

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
