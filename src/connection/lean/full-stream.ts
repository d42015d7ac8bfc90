import type { Logger } from '@libp2p/interface'
import { AbstractStream, type SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { ByteStreamHandler } from '../byte-stream.ts'
import type { YamuxStream } from '../yamux/session.ts'

/**
 * A stream of the lean connection as libp2p knows streams, for every protocol that is no `ByteProtocol`. It costs some
 * kilobytes, and serves the few that need it: relay, an embedder's own. What it keeps, since nobody listens or the peer does
 * not read, counts as held by its connection.
 */
export class FullStream extends AbstractStream {
  readonly #carrier: YamuxStream
  #keptBytes = 0

  /** Hears nothing of its carrier before {@link deliver}. */
  constructor(carrier: YamuxStream, protocol: string, log: Logger) {
    super({ id: `${carrier.id}`, protocol, direction: carrier.isInbound ? 'inbound' : 'outbound', log })
    this.#carrier = carrier
    this.addEventListener('close', () => this.#count(), { once: true })
  }

  /** From now on what the peer sends is delivered here. */
  deliver(): void {
    this.#carrier.handler = new Delivery(this, this.#carrier)
  }

  /** Whoever serves the stream keeps so many bytes more of what was delivered, or fewer; none once it is closed. */
  holds(differenceBytes: number): void {
    this.#carrier.holds(differenceBytes)
  }

  override push(data: Uint8Array | Uint8ArrayList): void {
    super.push(data)
    this.#count()
  }

  override unshift(data: Uint8Array | Uint8ArrayList): void {
    super.unshift(data)
    this.#count()
  }

  override sendData(data: Uint8ArrayList): SendResult {
    const sentBytes = data.byteLength
    return { sentBytes, canSendMore: this.#carrier.send(data.subarray()) }
  }

  override sendReset(error: Error): void {
    this.#carrier.reset(error.message)
  }

  override async sendCloseWrite(): Promise<void> {
    this.#carrier.close()
  }

  /** yamux has no word for it. */
  override async sendCloseRead(): Promise<void> {
    this.#count()
  }

  override sendPause(): void {
    this.#carrier.pause()
  }

  override sendResume(): void {
    this.#carrier.resume()
  }

  protected override dispatchReadBuffer(): void {
    super.dispatchReadBuffer()
    this.#count()
  }

  protected override processSendQueue(): boolean {
    try {
      return super.processSendQueue()
    } finally {
      this.#count()
    }
  }

  #count(): void {
    const isOver = this.status !== 'open' && this.status !== 'closing'
    const keptBytes = isOver ? 0 : this.readBufferLength + this.writeBufferLength
    if (keptBytes === this.#keptBytes) return
    this.holds(keptBytes - this.#keptBytes)
    this.#keptBytes = keptBytes
  }
}

/** What the carrier tells a full stream. */
export class Delivery implements ByteStreamHandler {
  readonly stream: FullStream
  readonly #carrier: YamuxStream

  constructor(stream: FullStream, carrier: YamuxStream) {
    this.stream = stream
    this.#carrier = carrier
  }

  onData(bytes: Uint8Array): void {
    // libp2p keeps what nobody listens to yet; slice() of a Buffer would be no copy
    this.stream.onData(Uint8Array.from(bytes))
  }

  onDrain(): void {
    this.stream.onMuxerDrain()
  }

  onEnd(): void {
    this.stream.onRemoteCloseWrite()
  }

  onClose(): void {
    const { status } = this.stream
    if (status !== 'open' && status !== 'closing') return
    if (this.#carrier.resetBy === 'peer') this.stream.onRemoteReset()
    else this.stream.onTransportClosed()
  }
}
