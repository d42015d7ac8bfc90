import { FrameReader } from '../../frames.ts'
import type { ByteStream, ByteStreamHandler } from '../byte-stream.ts'
import { decodeIdentify, emptyIdentify, type IdentifyMessage } from './message.ts'

/** Go and js-libp2p alike: larger ones come in parts. */
const maxMessageBytes = 8 * 1024
const maxMessages = 10

/** Reads what a peer says of itself until it ends the stream. */
export class IdentifyReader implements ByteStreamHandler {
  readonly #stream: ByteStream
  readonly #frames = new FrameReader(maxMessageBytes)
  readonly #onMessage: (message: IdentifyMessage) => void
  readonly #onOver: (reader: IdentifyReader) => void
  #message: IdentifyMessage | undefined
  #count = 0
  /** Of the parts that are read, of which the message has views. */
  #messageBytes = 0
  #heldBytes = 0

  /**
   * @param onMessage called once with all parts in one, if there was any
   * @param onOver called when the stream is over, in whichever way
   */
  constructor(
    stream: ByteStream,
    onMessage: (message: IdentifyMessage) => void,
    onOver: (reader: IdentifyReader) => void
  ) {
    this.#stream = stream
    this.#onMessage = onMessage
    this.#onOver = onOver
  }

  onData(bytes: Uint8Array): void {
    this.#frames.push(bytes)
    for (;;) {
      const frame = this.#frames.next()
      if (frame === 'more') break
      // the message outlives the frame, whose memory the reader uses again, and its fields are views
      this.#message =
        frame === 'invalid' ? undefined : decodeIdentify(Uint8Array.from(frame), this.#message ?? emptyIdentify())
      if (this.#message === undefined || ++this.#count > maxMessages) {
        this.#message = undefined
        this.giveUp('not an identify message')
        return
      }
      this.#messageBytes += frame.length
    }
    this.#frames.own()
    this.#hold(this.#messageBytes + this.#frames.ownedBytes)
  }

  onDrain(): void {}

  onEnd(): void {
    const message = this.#message
    this.#message = undefined
    this.#stream.close()
    if (message !== undefined) this.#onMessage(message)
  }

  onClose(): void {
    this.#hold(0)
    this.#onOver(this)
  }

  giveUp(reason: string): void {
    this.#stream.reset(reason)
  }

  #hold(bytes: number): void {
    if (bytes === this.#heldBytes) return
    this.#stream.holds?.(bytes - this.#heldBytes)
    this.#heldBytes = bytes
  }
}
