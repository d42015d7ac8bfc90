import type { ByteStreamHandler } from '../byte-stream.ts'
import { Initiator, Responder, type Selected } from '../negotiation/multistream.ts'
import type { YamuxStream } from '../yamux/session.ts'

/** Who takes a stream once its protocol is known. */
export interface ProtocolRouter<C> {
  isSupported(protocol: string): boolean
  serve(stream: YamuxStream, selected: Selected, connection: C): void
}

/** A stream that the peer has opened, until it has said for which protocol. */
export class InboundNegotiation<C> implements ByteStreamHandler {
  readonly #stream: YamuxStream
  readonly #connection: C
  readonly #router: ProtocolRouter<C>
  readonly #responder: Responder
  #heldBytes = 0

  constructor(stream: YamuxStream, connection: C, router: ProtocolRouter<C>) {
    this.#stream = stream
    this.#connection = connection
    this.#router = router
    this.#responder = new Responder((protocol) => router.isSupported(protocol))
  }

  onData(bytes: Uint8Array): void {
    let selected: Selected | undefined
    try {
      selected = this.#responder.push(bytes, (answer) => this.#stream.send(answer))
    } catch (error) {
      this.#stream.reset(String(error))
      return
    }
    if (selected === undefined) {
      this.#hold(this.#responder.pendingBytes)
      return
    }
    this.#hold(0)
    this.#router.serve(this.#stream, selected, this.#connection)
  }

  onDrain(): void {}

  /** Without having chosen: there is nothing to serve. */
  onEnd(): void {
    this.#stream.reset('the peer ended the stream before it chose a protocol')
  }

  onClose(): void {
    this.#hold(0)
  }

  /** Half a line, and each of the peer's streams may have one. */
  #hold(bytes: number): void {
    if (bytes === this.#heldBytes) return
    this.#stream.holds(bytes - this.#heldBytes)
    this.#heldBytes = bytes
  }
}

/** A stream that this node opens, until the peer has agreed to a protocol. */
export class OutboundNegotiation implements ByteStreamHandler {
  readonly #initiator: Initiator
  readonly #onOutcome: (stream: YamuxStream, outcome: Selected | Error) => void
  #stream: YamuxStream | undefined

  /** @param onOutcome called once, unless the stream closes before; the stream is reset by then if it failed */
  constructor(protocols: readonly string[], onOutcome: (stream: YamuxStream, outcome: Selected | Error) => void) {
    this.#initiator = new Initiator(protocols)
    this.#onOutcome = onOutcome
  }

  begin(stream: YamuxStream): void {
    this.#stream = stream
    stream.send(this.#initiator.opening())
  }

  onData(bytes: Uint8Array): void {
    const stream = this.#stream
    if (stream === undefined) return
    let selected: Selected | undefined
    try {
      selected = this.#initiator.push(bytes, (proposal) => stream.send(proposal))
    } catch (error) {
      this.#fail(error as Error)
      return
    }
    if (selected === undefined) return
    this.#stream = undefined
    this.#onOutcome(stream, selected)
  }

  onDrain(): void {}

  onEnd(): void {
    this.#fail(new Error('the peer ended the stream before a protocol was agreed on'))
  }

  onClose(): void {
    this.#fail(new Error('the stream was closed before a protocol was agreed on'))
  }

  #fail(error: Error): void {
    const stream = this.#stream
    if (stream === undefined) return
    this.#stream = undefined
    stream.reset(error.message)
    this.#onOutcome(stream, error)
  }
}
