import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readSync,
  rmSync,
  writeSync
} from 'node:fs'
import { join } from 'node:path'
import { BootstrapError } from '../errors.ts'
import { parsePrivateKey, type RawEd25519Key } from '../identity/key-formats.ts'
import { makeDataDir, syncDirectory } from './data-dir.ts'

/** A key is 192 digits at most, and may have white space around it. */
const maxFileBytes = 4096

const ownerAlone = 0o600
const notTheOwner = 0o077

export function identityPath(dataDir: string): string {
  return join(dataDir, 'identity.key')
}

export interface StoredIdentity {
  readonly key: RawEd25519Key
  /** Others than the owner may read or write the file. */
  readonly isOpenToOthers: boolean
}

/**
 * The identity in the directory, in any form that PRIVATE_KEY takes. Undefined: there is none.
 *
 * @throws BootstrapError ERR_IDENTITY_UNUSABLE
 */
export function readIdentityFile(dataDir: string): StoredIdentity | undefined {
  const path = identityPath(dataDir)
  const unusable = (problem: string) => new BootstrapError('ERR_IDENTITY_UNUSABLE', { path, problem })
  let file: { text: string; mode: number }
  try {
    file = readText(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unusable((error as Error).message)
    // what it leads to may be no more than not mounted yet
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) throw unusable('it is a link that leads nowhere')
    return undefined
  }
  const key = file.text.trim() === '' ? { problem: 'it is empty' } : parsePrivateKey(file.text)
  if ('problem' in key) throw unusable(key.problem)
  return { key, isOpenToOthers: (file.mode & notTheOwner) !== 0 }
}

function readText(path: string): { text: string; mode: number } {
  // a pipe would wait for a writer
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw new Error('it is no regular file')
    if (stat.size > maxFileBytes) throw new Error('it is no key: too long')
    const bytes = Buffer.alloc(maxFileBytes)
    return { text: bytes.toString('utf8', 0, readSync(fd, bytes)), mode: stat.mode }
  } finally {
    closeSync(fd)
  }
}

/** @throws the error of the file system */
export function closeToOthers(dataDir: string): void {
  chmodSync(identityPath(dataDir), ownerAlone)
}

/**
 * Keeps a new identity, on the disk when this returns. Never replaces one: should there be one by now, it stays.
 *
 * @param keyHex as `privateKeyHex` gives it
 * @throws BootstrapError ERR_IDENTITY_NOT_SAVED
 */
export function createIdentityFile(dataDir: string, keyHex: string): void {
  const path = identityPath(dataDir)
  const unfinished = `${path}.${randomBytes(8).toString('hex')}`
  try {
    makeDataDir(dataDir)
    try {
      writeDurably(unfinished, `${keyHex}\n`)
      linkSync(unfinished, path)
    } finally {
      rmSync(unfinished, { force: true })
    }
    syncDirectory(dataDir)
  } catch (error) {
    const { code, message: reason } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST') throw new BootstrapError('ERR_IDENTITY_NOT_SAVED', { path, reason }, { cause: error })
  }
}

function writeDurably(path: string, text: string): void {
  const fd = openSync(path, 'wx', ownerAlone)
  try {
    writeSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
