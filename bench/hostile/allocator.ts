import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const dockerfile = new URL('../../Dockerfile', import.meta.url)

/** The variables that choose and tune malloc in the image. */
export function imageAllocator(): Record<string, string> {
  const lines = readFileSync(dockerfile, 'utf8').matchAll(/^ENV (LD_PRELOAD|MALLOC_CONF)=(\S+)$/gm)
  return Object.fromEntries(Array.from(lines, ([, name = '', value = '']) => [name, value]))
}

/** The same where this machine has that library; undefined: it has not, and glibc's malloc serves. */
export function deployedAllocator(): Record<string, string> | undefined {
  const variables = imageAllocator()
  // the loader says on stderr that it has not found it, and goes on without
  const { status, stderr } = spawnSync(process.execPath, ['--eval', ''], { env: variables, encoding: 'utf8' })
  return status === 0 && stderr === '' ? variables : undefined
}
