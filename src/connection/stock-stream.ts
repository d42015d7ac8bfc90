import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import type { ByteProtocol, ByteStream, ByteStreamHandler } from './byte-stream.ts'

/** A protocol as libp2p's registrar takes it, for connections whose streams are libp2p's own. */
export function asStreamHandler(protocol: ByteProtocol): StreamHandler {
  return (stream: Stream, connection: Connection) => {
    const carrier = new StockStream(stream)
    carrier.attach(protocol.open(carrier, connection))
  }
}

/** A stream of libp2p as a {@link ByteStream}. */
class StockStream implements ByteStream {
  readonly #stream: Stream
  #handler: ByteStreamHandler | undefined
  #ended = false
  /** libp2p holds some of what was sent. */
  #behind = false

  constructor(stream: Stream) {
    this.#stream = stream
  }

  attach(handler: ByteStreamHandler): void {
    const stream = this.#stream
    this.#handler = handler
    // 'drain' comes whenever the connection can take more, though the peer may not have read a byte of this stream
    stream.addEventListener('idle', () => queueMicrotask(this.#caughtUp))
    stream.addEventListener('close', () => handler.onClose())
    stream.addEventListener('remoteCloseWrite', this.#onRemoteEnd)
    // this listener makes libp2p 3.3 deliver, in a microtask, what came before it
    stream.addEventListener('message', ({ data }) => {
      handler.onData(data.subarray())
      this.#passEndOn()
    })
    if (stream.remoteWriteStatus === 'closed') this.#onRemoteEnd()
  }

  /** Not within the event: what is sent then stays in @libp2p/utils 7.4.1 until something else is sent. */
  readonly #caughtUp = (): void => {
    if (!this.#behind || this.#stream.writeStatus !== 'writable') return
    this.#behind = this.#stream.writeBufferLength > 0
    if (!this.#behind) this.#handler?.onDrain()
  }

  readonly #onRemoteEnd = (): void => {
    this.#ended = true
    this.#passEndOn()
  }

  /** Only after what came before it, which a paused stream holds back. */
  #passEndOn(): void {
    if (!this.#ended || this.#stream.readStatus === 'paused' || this.#stream.readBufferLength > 0) return
    this.#ended = false
    this.#handler?.onEnd()
  }

  send(bytes: Uint8Array): boolean {
    if (this.#stream.writeStatus !== 'writable') return true
    this.#stream.send(bytes)
    this.#behind = this.#stream.writeBufferLength > 0
    return !this.#behind
  }

  // a stream whose other side has ended is neither paused nor resumed: both throw
  pause(): void {
    if (this.#stream.readStatus === 'readable') this.#stream.pause()
  }

  resume(): void {
    if (this.#stream.readStatus !== 'paused') return
    this.#stream.resume()
    this.#passEndOn()
  }

  close(): void {
    this.#stream.close().catch((cause: Error) => this.#stream.abort(cause))
  }

  reset(reason: string): void {
    this.#stream.abort(new Error(reason))
  }
}
