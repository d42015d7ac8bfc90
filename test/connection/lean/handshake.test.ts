import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { reasonOf } from '../../../src/connection/endings.ts'
import { Handshake, type HandshakeEvents, type Handshaken } from '../../../src/connection/lean/handshake.ts'
import { credentials } from './bench.ts'
import { certificateOf, greeting, lines, noiseHalfway, RawClient, tlsClient } from './raw-client.ts'

let server: Server
let port: number

beforeEach(async () => {
  server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})

afterEach(() => void server.close())

/** The server's side of the next client, which stops at each heavy part until it is told to proceed. */
class Stepwise implements HandshakeEvents {
  offersTls = true
  asked = 0
  readonly reasons: string[] = []
  readonly causes: string[] = []
  readonly heavy: Handshake[] = []
  result: Handshaken | undefined
  socket: Socket | undefined
  #wake = () => {}

  constructor() {
    server.once('connection', (socket) => {
      this.socket = socket
      new Handshake(socket, credentials, this).begin()
    })
  }

  /** Resolves when `count` heavy parts were announced in all. */
  async reached(count: number): Promise<void> {
    await this.#until(() => this.heavy.length >= count)
  }

  async done(): Promise<Handshaken> {
    await this.#until(() => this.result !== undefined)
    return this.result as Handshaken
  }

  async failed(): Promise<void> {
    await this.#until(() => this.causes.length > 0)
  }

  async #until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  mayUseTls(): boolean {
    this.asked++
    return this.offersTls
  }

  onHeavy(handshake: Handshake): void {
    this.heavy.push(handshake)
    this.#wake()
  }

  onDone(_handshake: Handshake, result: Handshaken): void {
    this.result = result
    this.#wake()
  }

  onFailed(_handshake: Handshake, cause: Error): void {
    this.causes.push(cause.message)
    this.reasons.push(reasonOf(cause))
    this.#wake()
  }
}

/** What the client was sent before anything heavy was done. */
const agreed = (protocol: string) => lines(greeting, protocol).length

it('with TLS does nothing heavy before it is told to, twice', async () => {
  const steps = new Stepwise()
  const { tls } = await tlsClient(port, await certificateOf())
  await steps.reached(1)
  expect(steps.socket?.bytesWritten).toBe(agreed('/tls/1.0.0'))
  steps.heavy[0]?.proceed()
  await once(tls, 'secureConnect')
  await steps.reached(2)
  expect(steps.result).toBeUndefined()
  steps.heavy[1]?.proceed()
  const { channel, encryption } = await steps.done()
  expect(encryption).toBe('/tls/1.0.0')
  channel.destroy()
})

it('with Noise does nothing heavy before it is told to, twice', async () => {
  const steps = new Stepwise()
  const client = noiseHalfway(port)
  await steps.reached(1)
  expect(steps.socket?.bytesWritten).toBe(agreed('/noise'))
  steps.heavy[0]?.proceed()
  const { raw, last } = await client
  raw.send(last())
  await steps.reached(2)
  expect(steps.result).toBeUndefined()
  steps.heavy[1]?.proceed()
  const { channel, encryption } = await steps.done()
  expect(encryption).toBe('/noise')
  channel.destroy()
})

it('who is not offered TLS gets Noise, and costs nothing heavy before', async () => {
  const steps = new Stepwise()
  steps.offersTls = false
  const raw = await RawClient.connect(port)
  raw.send(lines(greeting, '/tls/1.0.0', '/tls/1.0.0'))
  await raw.takeLines(greeting, 'na', 'na')
  expect([steps.asked, steps.heavy]).toEqual([1, []])
  raw.send(lines('/noise'))
  await raw.takeLines('/noise')
  raw.socket.end()
  await steps.failed()
  expect(steps.reasons).toEqual(['peer-left'])
})

it('who speaks TLS alone leaves for a reason of its own', async () => {
  const steps = new Stepwise()
  steps.offersTls = false
  const raw = await RawClient.connect(port)
  raw.send(lines(greeting, '/tls/1.0.0'))
  await raw.takeLines(greeting, 'na')
  raw.socket.end()
  await steps.failed()
  expect(steps.reasons).toEqual(['tls-declined'])
})

it('a TLS socket that fails while it waits hurts nobody', async () => {
  const steps = new Stepwise()
  const { raw, tls } = await tlsClient(port, await certificateOf())
  await steps.reached(1)
  steps.heavy[0]?.proceed()
  await once(tls, 'secureConnect')
  await steps.reached(2)
  const closed = once(steps.socket as Socket, 'close')
  raw.socket.resetAndDestroy()
  await closed
  steps.heavy[1]?.proceed()
  await steps.failed()
  expect([steps.causes.length, steps.result]).toEqual([1, undefined])
})

it('one that was given up while it waited does not go on', async () => {
  const steps = new Stepwise()
  await tlsClient(port, await certificateOf())
  await steps.reached(1)
  steps.heavy[0]?.abort(new Error('given up'))
  steps.heavy[0]?.proceed()
  expect([steps.causes, steps.socket?.bytesWritten]).toEqual([['given up'], agreed('/tls/1.0.0')])
})

it('fails once, for the first reason', async () => {
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const { socket: there } = await RawClient.connect(port)
  const [here] = await accepted
  const causes: string[] = []
  const handshake = new Handshake(here, credentials, {
    mayUseTls: () => expect.unreachable(),
    onHeavy: () => expect.unreachable(),
    onDone: () => expect.unreachable(),
    onFailed: (_handshake, { message }) => void causes.push(message)
  })
  handshake.abort(new Error('first'))
  handshake.abort(new Error('second'))
  if (!there.closed) await once(there, 'close')
  expect([causes, here.destroyed]).toEqual([['first'], true])
})
