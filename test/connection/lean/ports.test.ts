import { openSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { OpenPort } from '../../../src/connection/lean/open-port.ts'
import { Ports } from '../../../src/connection/lean/ports.ts'
import { HeldSocket } from '../../support/passed-socket.ts'
import { freePort } from '../../support/port.ts'

const opened: Array<{ close(): void }> = []
afterEach(() => {
  for (const thing of opened.splice(0)) thing.close()
})
const host = '127.0.0.1'
/** Where nobody else on this machine is likely to have the same port. */
const other = '127.0.93.7'

function ports(...sockets: HeldSocket[]): Ports {
  const made = new Ports(sockets.map(({ fd }) => ({ fd, name: 'test' })))
  opened.push(made)
  return made
}

describe('Ports', () => {
  it('gives a listener the port that was opened early, once', async () => {
    const port = await freePort()
    const early = ports()
    await early.openEarly([host], port)
    const taken = await early.open(host, port)
    opened.push(taken)
    expect(taken.isAt(host, port)).toBe(true)
    await expect(early.open(host, port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  it('leaves an early port that is taken to the listener', async () => {
    const taken = await OpenPort.open({ host, port: 0 })
    opened.push(taken)
    const port = taken.address?.port ?? 0
    const early = ports()
    await early.openEarly([host, other], port)
    await expect(early.open(host, port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    opened.push(await early.open(other, port))
  })

  it('closes what nobody took', async () => {
    const port = await freePort()
    const early = ports()
    await early.openEarly([host], port)
    early.close()
    opened.push(await OpenPort.open({ host, port }))
  })

  it('gives each listener the socket of its address, and opens none early', async () => {
    const first = new HeldSocket(host)
    const second = new HeldSocket(other, first.port)
    const passed = ports(first, second)
    await passed.openEarly([host], first.port)
    await passed.adopt([other, host], first.port)
    for (const address of [host, other]) {
      const port = await passed.open(address, first.port)
      opened.push(port)
      expect([port.isAt(address, first.port), port.outlivesUs]).toEqual([true, true])
    }
  })

  it('opens itself what was not passed', async () => {
    const held = new HeldSocket(host)
    const passed = ports(held)
    await passed.adopt([host, other], held.port)
    const port = await passed.open(other, held.port)
    opened.push(port)
    expect(port.outlivesUs).toBe(false)
  })

  it('refuses a socket at another port or address', async () => {
    const held = new HeldSocket(host)
    const what = `listens on 127.0.0.1 port ${held.port}`
    const refused = { code: 'ERR_PASSED_SOCKET', facts: { name: 'test', what } }
    await expect(ports(held).adopt(['0.0.0.0'], held.port)).rejects.toMatchObject(refused)
    const next = new HeldSocket(host)
    await expect(ports(next).adopt([host], next.port + 1)).rejects.toMatchObject({ code: 'ERR_PASSED_SOCKET' })
  })

  it('refuses what is no socket, and a socket that is not of TCP', async () => {
    const fd = openSync('/dev/null', 'r')
    const nothing = new Ports([{ fd, name: 'null' }])
    const refused = { code: 'ERR_PASSED_SOCKET', facts: { fd, name: 'null', what: 'is no TCP socket' } }
    await expect(nothing.adopt([host], 1)).rejects.toMatchObject(refused)

    const unix = createServer().listen(join(tmpdir(), `ports-test-${process.pid}-${performance.now()}`))
    const { fd: unixFd } = (unix as unknown as { _handle: { fd: number } })._handle
    await expect(new Ports([{ fd: unixFd, name: 'unix' }]).adopt([host], 1)).rejects.toMatchObject({
      facts: { what: 'is no TCP socket' }
    })
  })
})
