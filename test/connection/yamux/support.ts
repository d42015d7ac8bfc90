import type { ByteStreamHandler } from '../../../src/connection/byte-stream.ts'
import { YamuxError, type YamuxOwner, YamuxSession, type YamuxStream } from '../../../src/connection/yamux/session.ts'

export const DATA = 0
export const WINDOW_UPDATE = 1
export const PING = 2
export const GO_AWAY = 3
export const SYN = 1
export const ACK = 2
export const FIN = 4
export const RST = 8
export const WINDOW_BYTES = 256 * 1024

export interface Frame {
  type: number
  flags: number
  id: number
  length: number
  payload: string
}

/** A frame as the specification lays it out, by other means than the code under test. */
export function frame(type: number, flags: number, id: number, length: number, payload?: Uint8Array): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt8(type, 1)
  header.writeUInt16BE(flags, 2)
  header.writeUInt32BE(id, 4)
  header.writeUInt32BE(length, 8)
  return payload === undefined ? header : Buffer.concat([header, payload])
}

export function dataFrame(id: number, payload: Uint8Array | string, flags = 0): Buffer {
  const bytes = Buffer.from(payload)
  return frame(DATA, flags, id, bytes.length, bytes)
}

export function parse(bytes: Buffer): Frame[] {
  const frames: Frame[] = []
  for (let at = 0; at < bytes.length; ) {
    const type = bytes.readUInt8(at + 1)
    const length = bytes.readUInt32BE(at + 8)
    const end = at + 12 + (type === DATA ? length : 0)
    frames.push({
      type,
      flags: bytes.readUInt16BE(at + 2),
      id: bytes.readUInt32BE(at + 4),
      length,
      payload: bytes.toString('latin1', at + 12, end)
    })
    at = end
  }
  return frames
}

export class RecordingHandler implements ByteStreamHandler {
  readonly chunks: Buffer[] = []
  readonly events: string[] = []
  onDataHook: (bytes: Uint8Array) => void = () => {}

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1')
  }

  get byteCount(): number {
    return this.chunks.reduce((sum, { length }) => sum + length, 0)
  }

  onData(bytes: Uint8Array): void {
    this.chunks.push(Buffer.from(bytes))
    this.events.push('data')
    this.onDataHook(bytes)
  }

  onDrain(): void {
    this.events.push('drain')
  }

  onEnd(): void {
    this.events.push('end')
  }

  onClose(): void {
    this.events.push('close')
  }
}

export class RecordingOwner implements YamuxOwner {
  readonly #written: Uint8Array[] = []
  readonly opened: YamuxStream[] = []
  readonly closed: YamuxStream[] = []
  readonly goAways: number[] = []
  readonly handlerErrors: unknown[] = []
  pongs = 0
  accept: (stream: YamuxStream) => void = (stream) => {
    stream.handler = new RecordingHandler()
  }

  write(bytes: Uint8Array): void {
    this.#written.push(bytes)
  }

  /** What was written since the last call. */
  taken(): Buffer {
    return Buffer.concat(this.#written.splice(0))
  }

  onStream(stream: YamuxStream): void {
    this.opened.push(stream)
    this.accept(stream)
  }

  onStreamClosed(stream: YamuxStream): void {
    this.closed.push(stream)
  }

  onPong(): void {
    this.pongs++
  }

  onGoAway(code: number): void {
    this.goAways.push(code)
  }

  onHandlerError(_stream: YamuxStream, cause: unknown): void {
    this.handlerErrors.push(cause)
  }
}

type Limits = ConstructorParameters<typeof YamuxSession>[2]

export function session(role: 'listener' | 'dialer' = 'listener', limits?: Limits) {
  const owner = new RecordingOwner()
  const yamux = new YamuxSession(role, owner, limits)
  return {
    owner,
    yamux,
    receive: (...frames: Uint8Array[]) => yamux.receive(Buffer.concat(frames)),
    frames: () => parse(owner.taken()),
    /** The peer opens a stream with this id. */
    opened(id: number): { stream: YamuxStream; handler: RecordingHandler } {
      yamux.receive(frame(WINDOW_UPDATE, SYN, id, 0))
      const stream = owner.opened.at(-1)!
      return { stream, handler: stream.handler as RecordingHandler }
    }
  }
}

export function reasonOf(call: () => void): string {
  try {
    call()
  } catch (cause) {
    if (cause instanceof YamuxError) return cause.reason
    throw cause
  }
  return 'nothing was thrown'
}
