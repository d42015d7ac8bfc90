import { once } from 'node:events'
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { dirname, resolve } from 'node:path'
import { type Clock, wallMs } from '../../clock.ts'
import type { Config } from '../../config/index.ts'
import { messageOf } from '../../errors.ts'
import { heapLimitBytes } from '../../observe/heap-limit.ts'
import { memoryLimit } from '../../observe/memory-limit.ts'
import { openFileLimit } from '../../observe/open-files.ts'
import { identityPath } from '../../state/identity-file.ts'
import type { DirectoryFact, Facts, PortFact } from './facts.ts'

/** What can be read without waiting for anybody: some milliseconds at most, nothing is opened or written. */
export function gather(config: Config, clock: Clock): Facts {
  const { dataDir, log } = config
  const { bytes, of } = memoryLimit()
  return {
    openFiles: openFileLimit(),
    memory: { bytes, of },
    heapBytes: heapLimitBytes(),
    ports: undefined,
    clock: { nowMs: wallMs(clock), isSynchronized: isSynchronized() },
    addresses: Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)),
    isContainer: existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
    dataDir: dataDir === undefined ? undefined : directoryFact(dataDir),
    keyFile: dataDir === undefined ? undefined : fileMode(identityPath(dataDir)),
    logDir: log.file === undefined ? undefined : directoryFact(dirname(resolve(log.file.path)))
  }
}

/** systemd-timesyncd makes the file when it first has the time; where another service sets the clock there is no such folder. */
function isSynchronized(folder = '/run/systemd/timesync'): boolean | undefined {
  return existsSync(folder) ? existsSync(`${folder}/synchronized`) : undefined
}

/** Of the directory, or of the one that it would be made in. */
function directoryFact(path: string): DirectoryFact {
  let there = resolve(path)
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there)
  try {
    if (!statSync(there).isDirectory()) throw new Error(`${there} is no directory`)
    accessSync(there, constants.W_OK | constants.X_OK)
    const { bavail, bsize } = statfsSync(there)
    return { path, problem: undefined, freeBytes: bavail * bsize }
  } catch (error) {
    return { path, problem: messageOf(error), freeBytes: undefined }
  }
}

function fileMode(path: string): Facts['keyFile'] {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? undefined : { path, mode: stat.mode & 0o777 }
}

/**
 * Whether the node's ports can be opened, by opening them for a moment; who has them else, by asking as a client does.
 *
 * @param askNode what the node of this configuration says; rejects when it is another, or none
 */
export async function portFacts(
  { listenAddresses, port }: Config,
  askNode: () => Promise<string>
): Promise<readonly PortFact[]> {
  const facts: PortFact[] = []
  for (const address of listenAddresses) facts.push(await portFact(address, port, askNode))
  return facts
}

async function portFact(address: string, port: number, askNode: () => Promise<string>): Promise<PortFact> {
  const server = createServer()
  try {
    server.listen({ host: address, port, ipv6Only: address.includes(':') })
    await once(server, 'listening')
    return { address, state: 'free', detail: '' }
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') return await whose(address, askNode)
    return { address, state: code === 'EACCES' ? 'forbidden' : 'failed', detail: message }
  } finally {
    server.close()
  }
}

async function whose(address: string, askNode: () => Promise<string>): Promise<PortFact> {
  try {
    return { address, state: 'ours', detail: await askNode() }
  } catch (error) {
    return { address, state: 'taken', detail: messageOf(error) }
  }
}
