import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Ports } from '../src/connection/lean/ports.ts'
import { earlyPorts } from '../src/early-ports.ts'
import { HeldSocket } from './support/passed-socket.ts'
import { freePort } from './support/port.ts'

const opened: Ports[] = []
afterEach(() => {
  for (const ports of opened.splice(0)) ports.close()
})

/** Whether somebody can come to the port of a process that was started so. */
async function isOpen(argv: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<boolean> {
  const port = await freePort()
  opened.push(await earlyPorts(argv, { LISTEN_ADDRESS: '127.0.0.1', BOOTSTRAP_PORT: String(port), ...environment }))
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

describe('earlyPorts', () => {
  it('opens the port of a node that is about to run', async () => {
    expect(await isOpen([])).toBe(true)
  })

  it.each([['check'], ['--help'], ['--generate-key'], ['--no-such-flag']])('opens none for %s', async (argument) => {
    expect(await isOpen([argument])).toBe(false)
  })

  it('opens none for settings that are wrong, or for the stock stack', async () => {
    expect(await isOpen([], { LOG_LEVEL: 'loud' })).toBe(false)
    expect(await isOpen([], { CONNECTION_STACK: 'stock' })).toBe(false)
  })

  it('opens none where sockets were passed, and forgets the variables that say so', async () => {
    const held = new HeldSocket()
    const environment = { LISTEN_PID: String(process.pid), LISTEN_FDS: '1', BOOTSTRAP_PORT: String(held.port) }
    const ports = await earlyPorts([], environment)
    expect(ports.arePassed).toBe(true)
    expect(environment).toEqual({ BOOTSTRAP_PORT: String(held.port) })
    held.close()
  })
})
