import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const REPOSITORY = resolve(import.meta.dirname, '../..')
const DAEMON = 'test/observe/profiles/fixtures/daemon'

let directory: string
let daemon: ChildProcess
let root: string

/** The sources compiled as for the release, so that what Go shows has come through the source maps. */
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'profiles-'))
  await symlink(join(REPOSITORY, 'node_modules'), join(directory, 'node_modules'))
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }')
  const config = {
    extends: join(REPOSITORY, 'tsconfig.build.json'),
    compilerOptions: { rootDir: REPOSITORY, outDir: directory, typeRoots: [join(REPOSITORY, 'node_modules/@types')] },
    include: [],
    files: [join(REPOSITORY, `${DAEMON}.ts`)]
  }
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(config))
  await run(join(REPOSITORY, 'node_modules/.bin/tsc'), ['-p', directory])
  daemon = fork(join(directory, `${DAEMON}.js`), { execArgv: [] }) // none of vitest's
  const [address] = (await once(daemon, 'message')) as [string]
  root = `http://${address}/debug/pprof/`
})

afterAll(async () => {
  daemon?.kill('SIGKILL')
  await rm(directory, { recursive: true, force: true })
})

/** Lets the daemon work, and waits until it has. */
async function work(name: 'holdMemory' | 'makeGarbage' | 'burnCpu', amount: number): Promise<void> {
  const done = once(daemon, 'message')
  daemon.send([name, amount])
  await done
}

async function save(path: string, file: string): Promise<string> {
  const response = await fetch(root + path)
  expect(response.status).toBe(200)
  await writeFile(join(directory, file), new Uint8Array(await response.arrayBuffer()))
  return join(directory, file)
}

/** The table that Go makes of it, with files and lines. It writes warnings to stderr where it cannot make sense of a profile. */
async function top(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run('go', [
    'tool',
    'pprof',
    '-top',
    '-lines',
    '-nodefraction=0',
    '-unit=MB',
    ...args
  ])
  expect(stderr.replace(/^(?:Fetching|Saved) profile .*\n/gm, '')).toBe('')
  return stdout
}

/** MiB in the first column of the line of a function. */
function flat(table: string, name: string): number {
  return Number(new RegExp(`^ *(-?[\\d.]+)MB? .* ${name} .*/workload\\.ts:[1-9]\\d*$`, 'm').exec(table)?.[1])
}

/** What the function has made, and what V8 had collected before anybody looked: how much of the first is among it is chance. */
function allocated(table: string): number {
  const [, unseen] = /^ *([\d.]+)MB .* \[collected before it was seen\]$/m.exec(table) ?? []
  return flat(table, 'makeGarbage') + Number(unseen ?? 0)
}

describe('go tool pprof', () => {
  it('reads what is in use, and what came since another profile', async () => {
    await work('holdMemory', 16)
    const before = await save('heap', 'heap-1.pb.gz')
    await work('holdMemory', 64)
    const after = await save('heap', 'heap-2.pb.gz')
    const table = await top(after)
    expect(table).toMatch(/^Type: inuse_space$/m)
    expect(flat(table, 'holdMemory')).toBeGreaterThan(40)
    expect(table).toBe(await top('-inuse_space', after))
    const grown = flat(await top('-base', before, after), 'holdMemory')
    expect(grown).toBeGreaterThan(32)
    expect(grown).toBeLessThan(128)
    expect(await top('-inuse_objects', after)).toMatch(/^Type: inuse_objects$/m)
  })

  it('reads what was allocated', async () => {
    for (let i = 0; i < 16; i++) {
      await work('makeGarbage', 2)
      await save('heap', 'heap-3.pb.gz')
    }
    const heap = await save('heap?gc=1', 'heap-4.pb.gz')
    expect(allocated(await top('-alloc_space', heap))).toBeGreaterThan(12)
    expect(flat(await top('-inuse_space', heap), 'makeGarbage') || 0).toBeLessThan(4)
    const table = await top(await save('allocs', 'allocs.pb.gz'))
    expect(table).toMatch(/^Type: alloc_space$/m)
    expect(allocated(table)).toBeGreaterThan(12)
  })

  it('reads where CPU time went', async () => {
    const pending = save('profile?seconds=2', 'cpu.pb.gz')
    await work('burnCpu', 1500)
    const table = await top(await pending)
    expect(table).toMatch(/^Type: cpu$/m)
    expect(table).toMatch(/^Duration: 2(?:\.\d+)?s, Total samples = /m)
    expect(table).toMatch(/burnCpu .*\/workload\.ts:[1-9]\d*$/m)
  })

  it('fetches by itself', async () => {
    expect(flat(await top(`${root}heap`), 'holdMemory')).toBeGreaterThan(40)
  })

  it('leaves a process that ends by itself once the server is closed', async () => {
    const exited = once(daemon, 'exit')
    daemon.disconnect()
    expect(await exited).toEqual([0, null])
  })
})
