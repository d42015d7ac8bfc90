import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Daemon } from '../test/interop/harness/daemon.ts'
import { freePort } from '../test/support/port.ts'

const mainFile = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const probeFile = new URL('./probe.mjs', import.meta.url).href
const READY_MS = 30_000
const MEASURE_MS = 60_000
const LOOK_MS = 2

/** Used heap and external memory in bytes, after a garbage collection. */
export interface Memory {
  readonly heapUsed: number
  readonly external: number
}

export interface OurNode {
  readonly daemon: Daemon
  /** with /p2p/<id> */
  readonly addr: string
  /** From its start until its port took a connection. */
  readonly listeningMs: number
}

export interface OurNodeOptions {
  /** The Node binary; default: this one. */
  readonly binary?: string
  readonly env?: Record<string, string>
  /** What else is given to Node, before the node's file. */
  readonly nodeArgs?: readonly string[]
  /** Whether {@link measureMemory} will be asked. The probe is 10 MB and some 100 ms of start-up. Default: no. */
  readonly hasProbe?: boolean
}

/** Starts the built node on a free port of 127.0.0.1. */
export async function startOurNode(options: OurNodeOptions): Promise<OurNode> {
  const { binary = process.execPath, env = {}, nodeArgs = [], hasProbe = false } = options
  const port = await freePort()
  const probe = hasProbe ? ['--expose-gc', '--import', probeFile] : []
  const args = [...probe, ...nodeArgs, mainFile, '--port', String(port)]
  const startedMs = performance.now()
  const variables = { LISTEN_ADDRESS: '127.0.0.1', ADMIN_PORT: '0', ...env }
  const daemon = await Daemon.start(binary, args, variables, hasProbe ? ['ipc'] : [])
  try {
    const listeningMs = (await listening(port)) - startedMs
    const [, id] = await daemon.line(/Bootstrap node started\. ID: (\w+)/, READY_MS)
    return { daemon, addr: `/ip4/127.0.0.1/tcp/${port}/p2p/${id}`, listeningMs }
  } catch (error) {
    const tail = daemon.tail()
    await daemon.stop()
    throw new Error(`the node did not start:\n${tail}`, { cause: error })
  }
}

/** Collects garbage in the node and says what is left. */
export async function measureMemory({ process }: Daemon): Promise<Memory> {
  process.send('measure')
  const [memory] = await once(process, 'message', { signal: AbortSignal.timeout(MEASURE_MS) })
  return memory as Memory
}

/** When a connection to the port was accepted, by `performance.now()`. */
export async function listening(port: number): Promise<number> {
  const deadlineMs = performance.now() + READY_MS
  while (performance.now() < deadlineMs) {
    const socket = connect({ host: '127.0.0.1', port })
    try {
      await once(socket, 'connect')
      return performance.now()
    } catch {
      await sleep(LOOK_MS)
    } finally {
      socket.destroy()
    }
  }
  throw new Error(`port ${port} did not open within ${READY_MS} ms`)
}
