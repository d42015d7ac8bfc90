import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { join, resolve } from 'node:path'
import { makeFolder } from '../config/preflight.ts'

/**
 * Makes the directory, for its owner alone. One that is there keeps its mode: what is secret in it has a mode of its own.
 *
 * @throws the error of the file system
 */
export function makeDataDir(path: string): void {
  makeFolder(resolve(path), 0o700)
  if (!statSync(path).isDirectory()) throw new Error(`${path} is no directory`)
}

/** Writes the names of a directory to the disk: without it a power failure may forget a file that was just made. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/**
 * Gives what cannot be used another name beside it, and never that of something else.
 *
 * @param nowMs wall time, for the name
 * @returns the new path
 * @throws the error of the file system
 */
export function setAside(path: string, nowMs: number): string {
  const stem = `${path}.damaged-${new Date(nowMs).toISOString().replaceAll(':', '-')}`
  let aside = stem
  for (let copy = 2; lstatSync(aside, { throwIfNoEntry: false }) !== undefined; copy++) aside = `${stem}-${copy}`
  renameSync(path, aside)
  return aside
}

const pidFile = 'pid'

/** For people, and for the words of a refusal: what keeps others out is the store's own lock, which ends with its process. */
export function writePid(dataDir: string): void {
  ignoringErrors(() => writeFileSync(join(dataDir, pidFile), `${process.pid}\n`))
}

export function removePid(dataDir: string): void {
  ignoringErrors(() => rmSync(join(dataDir, pidFile), { force: true }))
}

/** Nothing depends on the number. */
function ignoringErrors(work: () => void): void {
  try {
    work()
  } catch {}
}

/** Who has the directory, as that process counts: in another container it is another number. Undefined: not known. */
export function readPid(dataDir: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(dataDir, pidFile), 'utf8'))
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}
