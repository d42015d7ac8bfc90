import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { residentBytes } from './resident-memory.ts'

/** How much memory this process may have, with everybody it shares the limit with. */
export interface MemoryLimit {
  readonly bytes: number
  /** Whose limit it is. */
  readonly of: 'container' | 'machine'
  /** What counts against it now, as far as it cannot be given back; RSS where nobody counts for us. */
  readonly usedBytes: () => number
}

/** The text of a file. @throws the error of the file system */
export type ReadText = (path: string) => string

const readText: ReadText = (path) => readFileSync(path, 'utf8')

/** Kernels write "no limit" as a number near 2^63 (v1) or as `max` (v2). */
const unlimitedBytes = 2 ** 60

interface CgroupVersion {
  readonly root: string
  readonly limit: string
  readonly usage: string
  readonly reclaimable: RegExp
}

const versions: Record<'v1' | 'v2', CgroupVersion> = {
  v1: {
    root: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    usage: 'memory.usage_in_bytes',
    reclaimable: /^total_inactive_file (\d+)$/m
  },
  v2: {
    root: '/sys/fs/cgroup',
    limit: 'memory.max',
    usage: 'memory.current',
    reclaimable: /^inactive_file (\d+)$/m
  }
}

/**
 * The lowest limit of the process's cgroups, up to the root, or else the machine's memory. Node looks at the innermost
 * alone (`process.constrainedMemory()`, libuv 1.46), and misses a limit that is set on the slice around it.
 */
export function memoryLimit(read: ReadText = readText, machineBytes = totalmem()): MemoryLimit {
  let lowest: MemoryLimit = { bytes: machineBytes, of: 'machine', usedBytes: () => residentBytes() }
  for (const { version, folder } of foldersOf(read)) {
    const bytes = numberIn(read, join(folder, version.limit))
    if (bytes === undefined || bytes >= unlimitedBytes || bytes >= lowest.bytes) continue
    lowest = { bytes, of: 'container', usedBytes: () => used(read, version, folder) ?? residentBytes() }
  }
  return lowest
}

/** The cgroups of this process, each with all around it. In a container the path may be that of the machine around it. */
function foldersOf(read: ReadText): { version: CgroupVersion; folder: string }[] {
  const lines = tryRead(read, '/proc/self/cgroup')?.split('\n') ?? []
  return lines.flatMap((line) => {
    const [id, controllers = '', path = ''] = line.split(':')
    const isV1 = controllers.split(',').includes('memory')
    if (!isV1 && id !== '0') return []
    const version = isV1 ? versions.v1 : versions.v2
    const parts = path.split('/').filter((part) => part !== '' && part !== '..')
    return Array.from({ length: parts.length + 1 }, (_, depth) => ({
      version,
      folder: join(version.root, ...parts.slice(0, depth))
    }))
  })
}

/** As the kubelet counts: without the page cache that goes first when memory is short. */
function used(read: ReadText, version: CgroupVersion, folder: string): number | undefined {
  const usage = numberIn(read, join(folder, version.usage))
  if (usage === undefined) return undefined
  const reclaimable = version.reclaimable.exec(tryRead(read, join(folder, 'memory.stat')) ?? '')?.[1] ?? 0
  return Math.max(0, usage - Number(reclaimable))
}

/** Undefined: there is none, or it is no number, such as `max`. */
function numberIn(read: ReadText, path: string): number | undefined {
  const text = tryRead(read, path)?.trim()
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text)
}

function tryRead(read: ReadText, path: string): string | undefined {
  try {
    return read(path)
  } catch {
    return undefined
  }
}
