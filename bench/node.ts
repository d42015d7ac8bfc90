import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Daemon } from '../test/interop/harness/daemon.ts'
import { freePort } from '../test/support/port.ts'

const mainFile = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const probeFile = new URL('./probe.mjs', import.meta.url).href
const READY_MS = 30_000
const MEASURE_MS = 60_000

/** Used heap and external memory in bytes, after a garbage collection. */
export interface Memory {
  readonly heapUsed: number
  readonly external: number
}

export interface OurNode {
  readonly daemon: Daemon
  /** with /p2p/<id> */
  readonly addr: string
  readonly startupMs: number
}

export interface OurNodeOptions {
  /** The Node binary; default: this one. */
  readonly binary?: string
  readonly env?: Record<string, string>
  /** What else is given to Node, before the node's file. */
  readonly nodeArgs?: readonly string[]
}

/** Starts the built node on a free port of 127.0.0.1, with the probe in it. */
export async function startOurNode({
  binary = process.execPath,
  env = {},
  nodeArgs = []
}: OurNodeOptions): Promise<OurNode> {
  const port = await freePort()
  const args = ['--expose-gc', '--import', probeFile, ...nodeArgs, mainFile, '--port', String(port)]
  const startedMs = performance.now()
  const daemon = await Daemon.start(binary, args, { LISTEN_ADDRESS: '127.0.0.1', ADMIN_PORT: '0', ...env }, ['ipc'])
  try {
    const [, id] = await daemon.line(/Bootstrap node started\. ID: (\w+)/, READY_MS)
    return { daemon, addr: `/ip4/127.0.0.1/tcp/${port}/p2p/${id}`, startupMs: performance.now() - startedMs }
  } catch (error) {
    await daemon.stop()
    throw error
  }
}

/** Collects garbage in the node and says what is left. */
export async function measureMemory({ process }: Daemon): Promise<Memory> {
  process.send('measure')
  const [memory] = await once(process, 'message', { signal: AbortSignal.timeout(MEASURE_MS) })
  return memory as Memory
}
