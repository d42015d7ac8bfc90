import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { Daemon } from '../test/interop/harness/daemon.ts'
import { goBinaries } from '../test/interop/harness/go.ts'
import { freePort } from '../test/support/port.ts'
import { listening, startOurNode } from './node.ts'

const run = promisify(execFile)
const READY_MS = 30_000

/** A running server, and how long it took to open its port. */
export interface Server {
  readonly daemon: Daemon
  readonly addr: string
  readonly pid: number
  readonly listeningMs: number
}

/** What scenarios ask of a server, in words that each server is told in its own. */
export interface ServerSettings {
  readonly lowWater?: number
  readonly highWater?: number
  readonly graceSeconds?: number
  /** Whether the heap is asked for, where it can be. */
  readonly hasProbe?: boolean
}

/** One column of the comparison. */
export interface Variant {
  readonly name: string
  /** Whether it has the probe, which measures the heap. */
  readonly isOurs: boolean
  start(settings: ServerSettings): Promise<Server>
}

export async function goVariant(): Promise<Variant> {
  const { baseline } = await goBinaries()
  return {
    name: 'Go',
    isOurs: false,
    async start({ lowWater, highWater, graceSeconds }) {
      const env = environment({
        CONN_MANAGER_LOW_WATER: lowWater,
        CONN_MANAGER_HIGH_WATER: highWater,
        CONN_MANAGER_GRACE: graceSeconds === undefined ? undefined : `${graceSeconds}s`
      })
      const port = await freePort()
      const startedMs = performance.now()
      const daemon = await Daemon.start(baseline, ['--port', String(port)], env)
      try {
        const listeningMs = (await listening(port)) - startedMs
        const [, addr = ''] = await daemon.line(/^LISTEN (\S+)$/, READY_MS)
        return { daemon, addr, pid: pidOf(daemon), listeningMs }
      } catch (error) {
        await daemon.stop()
        throw error
      }
    }
  }
}

/**
 * @param binary of Node
 * @param stack CONNECTION_STACK for the node; undefined: its default
 */
export async function ourVariant(binary: string, stack: string | undefined): Promise<Variant> {
  const version = (await run(binary, ['--version'])).stdout.trim().replace(/^v/, '')
  return {
    name: `ours, Node ${version}${stack === undefined ? '' : `, ${stack}`}`,
    isOurs: true,
    async start({ lowWater, highWater, graceSeconds, hasProbe = false }) {
      const env = environment({
        CONNECTION_STACK: stack,
        CONN_MANAGER_LOW_WATER: lowWater,
        CONN_MANAGER_HIGH_WATER: highWater,
        CONN_MANAGER_GRACE_PERIOD: graceSeconds
      })
      const { daemon, addr, listeningMs } = await startOurNode({ binary, env, hasProbe })
      return { daemon, addr, pid: pidOf(daemon), listeningMs }
    }
  }
}

/** Resident memory of a process in KB. */
export async function residentKB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1])
}

function environment(settings: Readonly<Record<string, string | number | undefined>>): Record<string, string> {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]))
}

function pidOf({ process: { pid } }: Daemon): number {
  if (pid === undefined) throw new Error('the server did not start')
  return pid
}
