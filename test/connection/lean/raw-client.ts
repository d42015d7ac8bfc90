import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls'
import type { PrivateKey } from '@libp2p/interface'
import { generateCertificate } from '@libp2p/tls/utils'
import { encodeLine } from '../../../src/connection/negotiation/lines.ts'
import { NoiseRecords } from '../../../src/connection/noise/records.ts'
import { YamuxSession } from '../../../src/connection/yamux/session.ts'
import { initiatorOf } from '../noise/initiator.ts'
import { RecordingOwner } from '../yamux/support.ts'
import { newKey } from './bench.ts'

export const greeting = '/multistream/1.0.0'
export const yamuxName = '/yamux/1.0.0'
export const lines = (...texts: string[]): Buffer => Buffer.concat(texts.map(encodeLine))

/** A socket of which a test decides every byte. */
export class RawClient {
  readonly socket: Socket
  readonly closed: Promise<void>
  #received = Buffer.alloc(0)
  #wake = () => {}
  readonly #onData = (chunk: Uint8Array): void => {
    this.#received = Buffer.concat([this.#received, chunk])
    this.#wake()
  }

  constructor(socket: Socket) {
    this.socket = socket.setNoDelay(true)
    socket.on('data', this.#onData).on('error', () => {})
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.once('close', () => this.#wake())
  }

  /** @param allowHalfOpen it does not close when the other side has */
  static async connect(
    port: number,
    options: Pick<NoiseOptions, 'host' | 'allowHalfOpen' | 'localAddress'> = {}
  ): Promise<RawClient> {
    const { host = '127.0.0.1', allowHalfOpen = false, localAddress } = options
    const socket = connect({ port, host, allowHalfOpen, ...(localAddress === undefined ? {} : { localAddress }) })
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return new RawClient(socket)
  }

  send(...parts: Uint8Array[]): this {
    this.socket.write(Buffer.concat(parts))
    return this
  }

  /** The next `count` bytes from the other side. */
  async take(count: number): Promise<Buffer> {
    while (this.#received.length < count) {
      if (this.socket.closed) throw new Error('the socket was closed')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const taken = this.#received.subarray(0, count)
    this.#received = this.#received.subarray(count)
    return taken
  }

  async takeLines(...texts: string[]): Promise<void> {
    const expected = lines(...texts)
    const got = await this.take(expected.length)
    if (!got.equals(expected)) throw new Error(`not the answer: ${got}`)
  }

  /** Somebody else listens to the socket from now on. @returns what came and was not taken */
  release(): Buffer {
    this.socket.off('data', this.#onData)
    const rest = this.#received
    this.#received = Buffer.alloc(0)
    return rest
  }

  async negotiated(protocol: string): Promise<this> {
    this.send(lines(greeting, protocol))
    await this.takeLines(greeting, protocol)
    return this
  }
}

export interface NoiseOptions {
  readonly key?: PrivateKey
  readonly muxers?: readonly string[]
  /** Glued to the last message of the handshake, by the records of the session. */
  readonly glued?: Uint8Array
  readonly host?: string
  /** Where it comes from; default: the system chooses. */
  readonly localAddress?: string
  /** The client does not close when the other side has. */
  readonly allowHalfOpen?: boolean
}

/** The handshake up to the last message. */
export async function noiseHalfway(port: number, options: NoiseOptions = {}) {
  const { key, muxers = [yamuxName] } = options
  const { identity, initiator } = await initiatorOf(key ?? (await newKey()), muxers)
  const noise = initiator()
  const raw = await (await RawClient.connect(port, options)).negotiated('/noise')
  const first = noise.first()
  raw.send(framed(first))
  const length = await raw.take(2)
  noise.readSecond(Buffer.concat([length, await raw.take(length.readUInt16BE())]))
  return { raw, last: () => framed(noise.third(identity.payload)), records: () => new NoiseRecords(noise.split()) }
}

export function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

/** A client that is secured by Noise; what comes is decrypted when somebody asks. */
export async function noiseClient(port: number, options: NoiseOptions = {}) {
  const { raw, last, records: split } = await noiseHalfway(port, options)
  const end = last()
  const records = split()
  const glued = options.glued === undefined ? Buffer.alloc(0) : records.seal([options.glued])
  raw.send(end, glued)
  return { raw, records, send: (bytes: Uint8Array) => raw.send(records.seal([bytes])) }
}

/** A client with a yamux session over Noise. */
export async function yamuxClient(port: number, options: NoiseOptions = {}) {
  const { raw, records, send } = await noiseClient(port, options)
  const owner = new RecordingOwner()
  let parts: Uint8Array[] = []
  const flush = () => {
    const sealed = records.seal(parts)
    parts = []
    if (!raw.socket.destroyed) raw.socket.write(sealed)
  }
  owner.write = (bytes) => {
    if (parts.push(bytes) === 1) queueMicrotask(flush)
  }
  const session = new YamuxSession('dialer', owner, { maxOutboundStreams: 100_000, resetBudget: 1e9 })
  const deliver = (chunk: Uint8Array) => records.push(chunk, (plaintext) => session.receive(plaintext))
  const rest = raw.release()
  raw.socket.on('data', deliver)
  if (rest.length > 0) deliver(rest)
  return { raw, send, session, owner }
}

interface TlsClientOptions extends ConnectionOptions {
  /** Sees and changes what the client sends. */
  readonly tap?: (chunk: Buffer) => Buffer
  /** The client asks for TLS and begins in one piece. */
  readonly glued?: boolean
}

/** TLS of node:tls after the negotiation of its name. */
export async function tlsClient(
  port: number,
  { tap = (chunk) => chunk, glued = false, ...options }: TlsClientOptions = {}
): Promise<{ raw: RawClient; tls: TLSSocket }> {
  const raw = await RawClient.connect(port)
  let before = glued ? lines(greeting, '/tls/1.0.0') : Buffer.alloc(0)
  if (!glued) await raw.negotiated('/tls/1.0.0')
  let answerLeft = before.length
  raw.release()
  const socket = tapped(
    raw.socket,
    (chunk) => {
      const bytes = Buffer.concat([before, tap(chunk)])
      before = Buffer.alloc(0)
      return bytes
    },
    (chunk) => {
      const skipped = Math.min(answerLeft, chunk.length)
      answerLeft -= skipped
      return chunk.subarray(skipped)
    }
  )
  const tls = tlsConnect({ socket, rejectUnauthorized: false, ALPNProtocols: [yamuxName, 'libp2p'], ...options })
  tls.on('error', () => {})
  return { raw, tls }
}

function tapped(socket: Socket, tap: (chunk: Buffer) => Buffer, tapBack: (chunk: Buffer) => Buffer): Duplex {
  const duplex = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      const bytes = tap(chunk)
      if (bytes.length > 0 && !socket.destroyed) socket.write(bytes)
      done()
    }
  })
  socket.on('data', (chunk: Buffer) => duplex.push(tapBack(chunk)))
  socket.on('close', () => duplex.destroy())
  return duplex
}

/** A certificate that proves an identity, for {@link tlsClient}. */
export async function certificateOf(key?: PrivateKey): Promise<{ cert: string; key: string }> {
  return generateCertificate(key ?? (await newKey()))
}
