import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { goBinaries } from '../test/interop/harness/go.ts'

/** What the load generator found out, as test/interop/go/load writes it. */
export type Facts = Readonly<Record<string, unknown>>

export interface LoadTarget {
  /** with /p2p/<id> */
  readonly addr: string
  readonly pid: number
}

/**
 * Runs one command of the load generator.
 * @param onProgress told each line that it prints meanwhile
 */
export async function runLoad(
  command: string,
  { addr, pid }: LoadTarget,
  flags: Readonly<Record<string, string | number | boolean>>,
  onProgress: (line: string) => void
): Promise<Facts> {
  const { load } = await goBinaries()
  const given = Object.entries(flags).map(([name, value]) => `-${name}=${value}`)
  const child = spawn(load, [command, '-addr', addr, '-pid', String(pid), ...given], {
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const last: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    last.push(line)
    if (last.length > 5) last.shift()
    onProgress(line.trim())
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const [stdout, code] = await Promise.all([text(child.stdout), ended])
  if (code !== 0) throw new Error(`load ${command} ended with ${code}:\n${last.join('\n')}`)
  return JSON.parse(stdout) as Facts
}

/** @throws Error when the fact is missing or no number */
export function numberOf(facts: Facts, name: string): number {
  const value = facts[name]
  if (typeof value !== 'number') throw new Error(`the load generator gave no number ${name}: ${JSON.stringify(facts)}`)
  return value
}
