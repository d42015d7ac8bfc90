import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { goBinaries } from '../../interop/harness/go.ts'
import type { Place } from '../../interop/harness/target.ts'

/** Where a node runs, and what can be done to it there. */
export interface Surroundings {
  readonly place: Pick<Place, 'listen' | 'within' | 'clientsWithin' | 'nodeFlags'>
  readonly env: Readonly<Record<string, string>>
  readonly wire?: Wire
  readonly wallClock?: WallClock
  /** Of the node's state; only where it matters which file system it is on. */
  readonly dataDir?: string
  /** Leaves nothing behind. */
  remove(): void
}

export const plain = (): Surroundings => ({ place: {}, env: {}, remove: () => {} })

/** So many files and sockets and no more. */
export const openFiles = (most: number) => (): Surroundings => ({
  ...plain(),
  place: { within: ['prlimit', `--nofile=${most}:${most}`] }
})

/** The first line that a helper prints. */
function firstLine(lines: Interface): Promise<string> {
  return new Promise((resolve, reject) => {
    lines.once('line', resolve)
    lines.once('close', () => reject(new Error('the helper ended without a word')))
  })
}

/** DATA_DIR on a disk of 8 MB that outlives the node, seen by nobody else. */
export async function smallDisk(): Promise<Surroundings> {
  const dataDir = mkdtempSync(join(tmpdir(), 'small-disk-'))
  const script = `mount -t tmpfs -o size=8m tmpfs ${dataDir} && echo mounted && exec cat`
  const holder = spawn('unshare', ['-m', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  await firstLine(createInterface(holder.stdout))
  return {
    place: { within: ['nsenter', `--mount=/proc/${holder.pid}/ns/mnt`, '--'] },
    env: {},
    dataDir,
    remove() {
      holder.stdin.end()
      rmSync(dataDir, { recursive: true, force: true })
    }
  }
}

/** As a container with so much memory, in which the kernel kills the node before anybody else; cgroup v1. */
export const memory = (bytes: number) => (): Surroundings => {
  const root = '/sys/fs/cgroup/memory'
  const group = join(root, `faults-${process.pid}-${Date.now()}`)
  mkdirSync(group)
  writeFileSync(join(group, 'memory.limit_in_bytes'), String(bytes))
  return {
    place: {
      within: ['sh', '-c', `echo 1000 > /proc/self/oom_score_adj; echo $$ > ${group}/cgroup.procs && exec "$0" "$@"`]
    },
    env: { FAULTS_CGROUP: group },
    remove: () => rmdirSync(group)
  }
}

/** A cable that can be cut and made slow and lossy: see test/interop/go/wire. */
export class Wire {
  readonly #input: NodeJS.WritableStream
  readonly #lines: AsyncIterator<string>

  constructor(input: NodeJS.WritableStream, lines: AsyncIterator<string>) {
    this.#input = input
    this.#lines = lines
  }

  /** @param command up, down, loss SHARE, delay DURATION */
  async be(command: string): Promise<void> {
    this.#input.write(`${command}\n`)
    const { value } = await this.#lines.next()
    if (value !== command) throw new Error(`the wire did not become ${command}: ${value}`)
  }
}

let networks = 0

/** The node in one network namespace, its clients in another, and a wire between them. */
export async function networkOfItsOwn(): Promise<Surroundings> {
  const { wire } = await goBinaries()
  const name = `faults-${process.pid}-${networks++}`
  const [node, clients] = [`${name}-node`, `${name}-clients`]
  for (const namespace of [node, clients]) {
    execFileSync('ip', ['netns', 'add', namespace])
    execFileSync('ip', ['-n', namespace, 'link', 'set', 'lo', 'up'])
  }
  const cable = spawn(wire, [node, '10.99.0.1', clients, '10.99.0.2'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(cable.stdout)[Symbol.asyncIterator]()
  const remove = () => {
    cable.stdin.end()
    for (const namespace of [node, clients]) execFileSync('ip', ['netns', 'del', namespace])
  }
  if ((await lines.next()).value !== 'ready') {
    remove()
    throw new Error('there is no wire between the namespaces')
  }
  return {
    place: {
      listen: '10.99.0.1',
      within: ['ip', 'netns', 'exec', node],
      clientsWithin: ['ip', 'netns', 'exec', clients]
    },
    env: {},
    wire: new Wire(cable.stdin, lines),
    remove
  }
}

/** The wall clock of one process of Node, which a test sets; monotonic time goes on. */
export class WallClock {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  /** @param pid of the process that is told; undefined: the next that starts begins with it */
  set(aheadMs: number, pid: number | undefined): void {
    writeFileSync(this.#file, String(aheadMs))
    if (pid !== undefined) process.kill(pid, 'SIGUSR2')
  }
}

const fixture = new URL('../fixtures/wall-clock.mjs', import.meta.url).href

export function clockOfItsOwn(): Surroundings {
  const folder = mkdtempSync(join(tmpdir(), 'wall-clock-'))
  const file = join(folder, 'ahead-ms')
  const wallClock = new WallClock(file)
  wallClock.set(0, undefined)
  return {
    place: { nodeFlags: ['--import', fixture] },
    env: { WALL_CLOCK_FILE: file },
    wallClock,
    remove: () => rmSync(folder, { recursive: true, force: true })
  }
}
