import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cacheDir } from '../../support/cache-dir.ts'

const run = promisify(execFile)
const manifest = fileURLToPath(new URL('../rust/Cargo.toml', import.meta.url))
const targetDir = join(cacheDir, 'rust')
const runMs = 60_000

/** The first build compiles rust-libp2p and may have to download it. */
export const rustBuildMs = 600_000

/** Whether there is a Rust tool chain; these tests say so loudly when there is none. */
export const hasRust = spawnSync('cargo', ['--version']).status === 0
if (!hasRust) console.warn('\n!!! cargo is not in PATH: the tests with rust-libp2p peers DO NOT RUN\n')

/** Builds the peer of test/interop/rust; cargo itself knows what has changed. */
export async function buildRustPeer(): Promise<void> {
  await run('cargo', ['build', '--quiet', '--manifest-path', manifest, '--target-dir', targetDir], {
    timeout: rustBuildMs
  })
}

export interface RustFacts {
  readonly agent: string
  readonly protocols: readonly string[]
  readonly reserved: boolean
  readonly found: boolean
}

/** @throws with what the peer says on standard error */
export async function rustPeer(security: string, addr: string): Promise<RustFacts> {
  const { stdout } = await run(join(targetDir, 'debug', 'rust-peer'), [security, addr], { timeout: runMs })
  return JSON.parse(stdout)
}
