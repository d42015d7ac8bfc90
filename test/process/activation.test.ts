import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { HeldSocket, passing } from '../support/passed-socket.ts'
import { freePort } from '../support/port.ts'

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const children: ChildProcess[] = []
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})

class Node {
  readonly child: ChildProcess
  output = ''

  constructor(fds: readonly number[], env: Record<string, string>) {
    const { command, args, ...launch } = passing(fds, {
      command: process.execPath,
      args: [main],
      env: { LISTEN_ADDRESS: '127.0.0.1', ADMIN_PORT: '0', ...env }
    })
    this.child = spawn(command, args, {
      cwd: mkdtempSync(join(tmpdir(), 'activation-')),
      env: launch.env,
      stdio: ['ignore', 'pipe', 'pipe', ...launch.fds]
    })
    children.push(this.child)
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
      })
    }
  }

  async started(): Promise<this> {
    await expect.poll(() => this.output, { timeout: 30_000, interval: 20 }).toMatch(/Bootstrap node started\. ID: /)
    return this
  }

  async ended(): Promise<unknown> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit')
    return this.child.exitCode ?? this.child.signalCode
  }
}

async function greeted(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  await once(socket, 'connect')
  socket.write('\x13/multistream/1.0.0\n')
  return socket
}

describe('socket activation', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)('clients wait out a restart by %s in the socket', async (signal) => {
    const held = new HeldSocket()
    const env = { BOOTSTRAP_PORT: String(held.port) }
    const first = await new Node([held.fd], env).started()
    expect(String((await once(await greeted(held.port), 'data'))[0])).toContain('/multistream/1.0.0')

    first.child.kill(signal)
    expect(await first.ended()).toBe(signal === 'SIGTERM' ? 0 : signal)
    const between = await greeted(held.port)

    const second = await new Node([held.fd], env).started()
    expect(String((await once(between, 'data'))[0])).toContain('/multistream/1.0.0')
    second.child.kill('SIGTERM')
    expect(await second.ended()).toBe(0)
    held.close()
  })

  it('takes several sockets', async () => {
    const four = new HeldSocket()
    const six = new HeldSocket('::1', four.port)
    const env = { BOOTSTRAP_PORT: String(four.port), LISTEN_ADDRESS: '::1,127.0.0.1' }
    const node = await new Node([four.fd, six.fd], env).started()
    expect(node.output).toContain('The sockets were passed to this process, and outlive it')
    expect(node.output).toContain(`/ip6/::1/tcp/${four.port} /ip4/127.0.0.1/tcp/${four.port}`)
    four.close()
    six.close()
  })

  it('says what does not fit, and does not start', async () => {
    const held = new HeldSocket()
    const port = await freePort()
    const node = new Node([held.fd], { BOOTSTRAP_PORT: String(port) })
    expect(await node.ended()).toBe(1)
    expect(node.output).toContain(
      `the socket that was passed to this process (descriptor 3, socket0) listens on 127.0.0.1 port ${held.port}: `
    )
    held.close()
  })

  it('says that the stock stack cannot take a socket', async () => {
    const held = new HeldSocket()
    const node = new Node([held.fd], { BOOTSTRAP_PORT: String(held.port), CONNECTION_STACK: 'stock' })
    expect(await node.ended()).toBe(1)
    expect(node.output).toContain('CONNECTION_STACK=stock cannot take over a socket')
    held.close()
  })

  it('says that it cannot read what it was passed', () => {
    const { status, stderr } = spawnSync('/bin/sh', ['-c', 'LISTEN_PID=$$ exec "$0" "$1"', process.execPath, main], {
      env: { LISTEN_FDS: 'many' },
      encoding: 'utf8'
    })
    expect([status, stderr]).toEqual([2, expect.stringContaining('LISTEN_FDS=many: ')])
  })
})

it('opens its port before its code is loaded', async () => {
  const port = await freePort()
  // under this the commands are never loaded
  const args = ['--import', new URL('without-commands.mjs', import.meta.url).href, main]
  const child = spawn(process.execPath, args, {
    cwd: mkdtempSync(join(tmpdir(), 'activation-')),
    env: { LISTEN_ADDRESS: '127.0.0.1', ADMIN_PORT: '0', BOOTSTRAP_PORT: String(port) }
  })
  children.push(child)
  await expect.poll(() => greeted(port).then(() => 'open', String), { timeout: 30_000, interval: 20 }).toBe('open')
})
