import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cacheDir } from '../../support/cache-dir.ts'

const run = promisify(execFile)
const moduleDir = fileURLToPath(new URL('../go', import.meta.url))
const BUILD_MS = 280_000 // the first build compiles go-libp2p and may have to download it

export interface GoBinaries {
  readonly baseline: string
  readonly conformance: string
  /** many light clients; bench/ and the soak use it */
  readonly load: string
  /** a cable between two network namespaces that can be cut, slow and lossy; test/faults uses it */
  readonly wire: string
}

/** Builds the Go module once for each state of its sources; every later call finds the binaries by their content. */
export async function goBinaries(): Promise<GoBinaries> {
  const dir = join(cacheDir, await contentHash(await goVersion()))
  if (!(await exists(dir))) {
    await build(dir)
  }
  return {
    baseline: join(dir, 'baseline'),
    conformance: join(dir, 'conformance'),
    load: join(dir, 'load'),
    wire: join(dir, 'wire')
  }
}

async function goVersion(): Promise<string> {
  try {
    return (await run('go', ['version'])).stdout
  } catch (cause) {
    throw new Error('Go (1.24 or newer) is needed in PATH: the peers are go-libp2p hosts', { cause })
  }
}

async function contentHash(version: string): Promise<string> {
  const hash = createHash('sha256').update(version)
  const files = (await readdir(moduleDir, { recursive: true })).filter((name) => /\.go$|^go\.(mod|sum)$/.test(name))
  for (const name of files.sort()) {
    const content = await readFile(join(moduleDir, name))
    hash.update(`${name}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex').slice(0, 16)
}

async function build(dir: string): Promise<void> {
  await mkdir(cacheDir, { recursive: true })
  const unfinished = await mkdtemp(join(cacheDir, 'build-'))
  try {
    await run('go', ['build', '-trimpath', '-o', unfinished, './baseline', './conformance', './load', './wire'], {
      cwd: moduleDir,
      timeout: BUILD_MS
    })
    // in one step, so that nobody finds half a build; a build that was faster is as good
    await rename(unfinished, dir).catch(async (error: unknown) => {
      if (!(await exists(dir))) {
        throw error
      }
    })
  } catch (cause) {
    throw new Error(`go build in test/interop/go failed: ${cause instanceof Error ? cause.message : cause}`, { cause })
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false
  )
}
