import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { OpenPort, type PortOwner } from '../../../src/connection/lean/open-port.ts'
import { HeldSocket } from '../../support/passed-socket.ts'

const opened: Array<{ close?(): void; destroy?(): void }> = []
afterEach(() => {
  for (const thing of opened.splice(0)) thing.destroy === undefined ? thing.close?.() : thing.destroy()
})

async function open(most?: number): Promise<OpenPort> {
  const port = await OpenPort.open({ host: '127.0.0.1', port: 0 }, most)
  opened.push(port)
  return port
}

async function client(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  opened.push(socket)
  await once(socket, 'connect')
  return socket
}

class Owner implements PortOwner {
  readonly came: number[] = []
  closed = false
  onSocket(socket: Socket): void {
    opened.push(socket)
    this.came.push(socket.remotePort ?? 0)
  }
  onError(): void {}
  onClose(): void {
    this.closed = true
  }
}

describe('OpenPort', () => {
  it('keeps who comes before it is served, unread, and hands them over in order, and those who follow', async () => {
    const port = await open()
    const at = port.address?.port ?? 0
    const clients = [await client(at), await client(at)]
    clients[0]?.write('first words')
    await expect.poll(() => port.waiting).toBe(2)
    const owner = new Owner()
    const sockets: Socket[] = []
    const onSocket = owner.onSocket.bind(owner)
    owner.onSocket = (socket) => {
      sockets.push(socket)
      onSocket(socket)
    }
    port.serve(owner)
    clients.push(await client(at))
    await expect.poll(() => owner.came).toEqual(clients.map(({ localPort }) => localPort))
    expect(port.waiting).toBe(0)
    const [words] = await once(sockets[0]!.resume(), 'data')
    expect(String(words)).toBe('first words')
  })

  it('closes who comes while as many wait as may', async () => {
    const port = await open(2)
    const at = port.address?.port ?? 0
    await client(at)
    await client(at)
    await expect.poll(() => port.waiting).toBe(2)
    const late = await client(at)
    await once(late.resume(), 'close')
    expect(port.waiting).toBe(2)
  })

  it('survives who leaves before it is served', async () => {
    const port = await open()
    const gone = await client(port.address?.port ?? 0)
    await expect.poll(() => port.waiting).toBe(1)
    gone.resetAndDestroy()
    const owner = new Owner()
    port.serve(owner)
    await expect.poll(() => owner.came).toHaveLength(1)
  })

  it('closes at once, with those who wait, and says so', async () => {
    const port = await open()
    const owner = new Owner()
    const waiting = await client(port.address?.port ?? 0)
    await expect.poll(() => port.waiting).toBe(1)
    port.close()
    expect([port.listening, port.address, port.waiting]).toEqual([false, undefined, 0])
    await once(waiting.resume(), 'close')

    const served = await open()
    served.serve(owner)
    served.close()
    await expect.poll(() => owner.closed).toBe(true)
  })

  it('knows its address in every way of writing', async () => {
    const v6 = await OpenPort.open({ host: '::1', port: 0 })
    opened.push(v6)
    const at = v6.address?.port ?? 0
    expect([v6.isAt('0:0:0:0:0:0:0:1', at), v6.isAt('::1', at + 1), v6.isAt('127.0.0.1', at)]).toEqual([
      true,
      false,
      false
    ])
  })

  it('fails with the error of the socket', async () => {
    const taken = await open()
    const port = taken.address?.port ?? 0
    await expect(OpenPort.open({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  it('takes over a socket by its descriptor', async () => {
    const held = new HeldSocket()
    const port = await OpenPort.open({ fd: held.fd })
    opened.push(port)
    expect(port.isAt('127.0.0.1', held.port)).toBe(true)
    expect([port.outlivesUs, (await open()).outlivesUs]).toEqual([true, false])
    await client(held.port)
    await expect.poll(() => port.waiting).toBe(1)
  })
})
