import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const PROFILE_MS = 60_000

/** Saves the node's own heap profile, garbage left out. */
export async function saveHeapProfile(port: number, file: string): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/debug/pprof/heap?gc=1`, {
    signal: AbortSignal.timeout(PROFILE_MS)
  })
  if (!response.ok) throw new Error(`no heap profile: ${response.status} ${await response.text()}`)
  await writeFile(file, new Uint8Array(await response.arrayBuffer()))
}

/**
 * Bytes that came to live between two profiles in stacks with a function or file of this name; what went counts
 * against them.
 */
export async function growthOf(name: string, firstFile: string, lastFile: string): Promise<number> {
  const args = ['tool', 'pprof', '-top', '-unit=B', '-sample_index=inuse_space', `-focus=${name}`]
  const { stdout } = await run('go', [...args, '-base', firstFile, lastFile])
  return focusedBytes(stdout)
}

/** @param top what `go tool pprof -top -unit=B -focus=…` prints */
export function focusedBytes(top: string): number {
  const shown = /^Showing nodes accounting for (-?[\d.]+)B?,/m.exec(top)?.[1]
  if (shown === undefined) throw new Error(`go tool pprof printed no sum:\n${top}`)
  return Number(shown)
}
