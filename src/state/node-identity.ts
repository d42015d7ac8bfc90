import type { Config } from '../config/index.ts'
import { BootstrapError } from '../errors.ts'
import { type Identity, identityFromKey, newIdentity, privateKeyHex } from '../identity/identity.ts'
import type { Logger } from '../observe/logger.ts'
import { closeToOthers, createIdentityFile, identityPath, readIdentityFile } from './identity-file.ts'

/**
 * Who this node is: PRIVATE_KEY, else the identity in DATA_DIR, which is made there once, else a new one. A node with a
 * wrong identity is worse than none: no client would find it.
 *
 * @throws BootstrapError ERR_IDENTITY_UNUSABLE, ERR_IDENTITY_NOT_SAVED; neither with a PRIVATE_KEY
 */
export async function nodeIdentity(
  { privateKey, dataDir }: Pick<Config, 'privateKey' | 'dataDir'>,
  logger: Logger
): Promise<Identity> {
  if (privateKey !== undefined) {
    const identity = identityFromKey(privateKey)
    if (dataDir !== undefined) compare(identity, dataDir, logger)
    return identity
  }
  if (dataDir === undefined) return newIdentity()
  return keptIdentity(dataDir, logger) ?? (await keepNewIdentity(dataDir, logger))
}

function keptIdentity(dataDir: string, logger: Logger): Identity | undefined {
  const stored = readIdentityFile(dataDir)
  if (stored === undefined) return undefined
  if (stored.isOpenToOthers) closeWithWarning(dataDir, logger)
  return identityFromKey(stored.key)
}

async function keepNewIdentity(dataDir: string, logger: Logger): Promise<Identity> {
  createIdentityFile(dataDir, privateKeyHex(await newIdentity()))
  const path = identityPath(dataDir)
  // what is in the file counts, should another process have been faster
  const kept = keptIdentity(dataDir, logger)
  if (kept === undefined) throw new BootstrapError('ERR_IDENTITY_UNUSABLE', { path, problem: 'it is gone again' })
  logger.info(`A new identity was made and is kept in ${path}: ${kept.peerId}`)
  return kept
}

/** A key that others could read is no secret any more, but a node that does not start helps nobody either. */
function closeWithWarning(dataDir: string, logger: Logger): void {
  const path = identityPath(dataDir)
  try {
    closeToOthers(dataDir)
    logger.warn(`${path} could be read by other users of this machine; now its owner alone can`)
  } catch (error) {
    logger.warn(`${path} can be read by other users of this machine, and that cannot be changed: ${messageOf(error)}`)
  }
}

function compare(identity: Identity, dataDir: string, logger: Logger): void {
  const path = identityPath(dataDir)
  try {
    const stored = readIdentityFile(dataDir)
    if (stored === undefined) return
    const { peerId } = identityFromKey(stored.key)
    if (peerId !== identity.peerId)
      logger.warn(`PRIVATE_KEY wins: this node is ${identity.peerId}, while ${path} holds the key of ${peerId}`)
  } catch (error) {
    logger.warn(`PRIVATE_KEY wins, and ${messageOf(error)}`)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
