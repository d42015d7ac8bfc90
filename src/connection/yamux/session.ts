import type { ByteStreamHandler } from '../byte-stream.ts'
import { YamuxError } from './error.ts'
import {
  ACK,
  DATA,
  FIN,
  GO_AWAY,
  GO_AWAY_PROTOCOL_ERROR,
  HEADER_BYTES,
  INITIAL_WINDOW_BYTES,
  KNOWN_FLAGS,
  PING,
  RST,
  SYN,
  VERSION,
  WINDOW_UPDATE
} from './frame.ts'
import { DEFAULT_LIMITS, type YamuxLimits } from './limits.ts'
import { YamuxStream } from './stream.ts'
import { StreamTable, type YamuxOwner } from './stream-table.ts'

export { YamuxError, type YamuxReason } from './error.ts'
export type { YamuxLimits } from './limits.ts'
export { YamuxStream } from './stream.ts'
export type { YamuxOwner } from './stream-table.ts'

/** Stands in until the owner has given a stream its handler. */
const UNATTENDED: ByteStreamHandler = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} }

/**
 * A yamux session (`/yamux/1.0.0`) as a state machine over bytes: no timers, no promises, no events.
 *
 * What the owner has to do: stop calling {@link receive} while its own write buffer is long (what a session writes by
 * itself, such as pongs, is never longer than what it received, so nothing accumulates then), call {@link holdData} and
 * {@link releaseData} for the same reason, and {@link relax} on a tick of some seconds.
 */
export class YamuxSession {
  readonly #table: StreamTable
  /** Parity of the ids of streams that the peer opens: the dialer's are odd. */
  readonly #inboundParity: number
  #nextId: number
  #pingId = 0
  #pingPending = false
  /** Those of the peer that were answered. */
  #pings = 0
  #sentGoAway = false
  #receivedGoAway = false
  #over = false
  /** The beginning of a header that a chunk has cut; {@link HEADER_BYTES} of memory while there is one. */
  #partial: DataView | undefined
  #partialLength = 0
  /** The rest of a payload: whose it is (undefined: it is skipped), its length in bytes, and whether the stream ends with it. */
  #payloadOf: YamuxStream | undefined
  #payloadLeft = 0
  #payloadHasFin = false

  constructor(role: 'listener' | 'dialer', owner: YamuxOwner, limits?: Partial<YamuxLimits>) {
    this.#table = new StreamTable(owner, limits === undefined ? DEFAULT_LIMITS : { ...DEFAULT_LIMITS, ...limits })
    this.#inboundParity = role === 'listener' ? 1 : 0
    this.#nextId = role === 'listener' ? 2 : 1
  }

  get streamCount(): number {
    return this.#table.streams.size
  }

  streams(): Iterable<YamuxStream> {
    return this.#table.streams.values()
  }

  /** Memory held for what came for paused streams. */
  get unreadBytes(): number {
    return this.#table.unreadBytes
  }

  /** What waits for the peer's windows or for {@link releaseData}. */
  get unsentBytes(): number {
    return this.#table.unsentBytes
  }

  /**
   * Takes what came, in pieces of any length. What handlers get are views of `chunk`.
   *
   * @throws {YamuxError} when the peer broke the protocol or a limit and has been told so: close the connection
   */
  receive(chunk: Uint8Array): void {
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let at = 0
    try {
      while (at < chunk.length && !this.#over) {
        if (this.#payloadLeft > 0) {
          const end = Math.min(chunk.length, at + this.#payloadLeft)
          this.#payload(chunk.subarray(at, end))
          at = end
        } else if (this.#partial === undefined && chunk.length - at >= HEADER_BYTES) {
          this.#header(view, at)
          at += HEADER_BYTES
        } else {
          at += this.#partialHeader(chunk.subarray(at))
        }
      }
      if (this.#table.resets > this.#table.limits.resetBudget) throw new YamuxError('reset-budget')
    } catch (cause) {
      this.#table.writeHeader(GO_AWAY, 0, 0, GO_AWAY_PROTOCOL_ERROR)
      this.#over = true
      this.#table.silent = true
      throw cause
    }
  }

  /**
   * Opens a stream. SYN goes at once, in a window update, as go-yamux and js-yamux do; data need not wait for its answer.
   *
   * @throws {YamuxError} when the session is over, either side is going away, or there are too many streams
   */
  open(handler: ByteStreamHandler): YamuxStream {
    const { streams, inboundCount, limits } = this.#table
    if (this.#over) throw new YamuxError('closed')
    if (this.#sentGoAway || this.#receivedGoAway) throw new YamuxError('go-away')
    if (streams.size - inboundCount >= limits.maxOutboundStreams) throw new YamuxError('too-many-streams')
    const stream = new YamuxStream(this.#table, this.#nextId, false, handler)
    this.#nextId += 2
    this.#table.add(stream)
    this.#table.writeHeader(WINDOW_UPDATE, SYN, stream.id, 0)
    return stream
  }

  /** Asks the peer for a sign of life. One question at a time: a no-op while the last is unanswered. */
  ping(): void {
    if (this.#pingPending) return
    this.#pingPending = true
    this.#pingId = (this.#pingId + 1) >>> 0
    this.#table.writeHeader(PING, SYN, 0, this.#pingId)
  }

  /** Says that no more streams are taken; those that are open go on. */
  goAway(code: number): void {
    this.#sentGoAway = true
    this.#table.writeHeader(GO_AWAY, 0, 0, code)
  }

  /** The connection is gone: every stream ends, and nothing is written any more. */
  close(_reason: string): void {
    this.#over = true
    this.#table.silent = true
    for (const stream of this.#table.streams.values()) stream.abandon()
    this.#payloadOf = undefined
    this.#partial = undefined
  }

  /** From now on what streams send waits in memory and `send` returns false; call it when the socket is behind. */
  holdData(): void {
    this.#table.held = true
  }

  /** The socket has caught up: what waits is sent as far as the windows go. */
  releaseData(): void {
    this.#table.held = false
    for (const stream of this.#table.streams.values()) stream.flush()
  }

  /** Forgives resets, openings and pings so far; on the owner's tick, which decides how many a second the budgets of {@link YamuxLimits} are. */
  relax(): void {
    this.#table.resets = 0
    this.#table.opened = 0
    this.#pings = 0
  }

  #partialHeader(bytes: Uint8Array): number {
    // a pool's slab would stay with it
    this.#partial ??= new DataView(new ArrayBuffer(HEADER_BYTES))
    const taken = Math.min(bytes.length, HEADER_BYTES - this.#partialLength)
    new Uint8Array(this.#partial.buffer).set(bytes.subarray(0, taken), this.#partialLength)
    this.#partialLength += taken
    if (this.#partialLength === HEADER_BYTES) {
      const header = this.#partial
      this.#partial = undefined
      this.#partialLength = 0
      this.#header(header, 0)
    }
    return taken
  }

  #header(view: DataView, at: number): void {
    const type = view.getUint8(at + 1)
    const flags = view.getUint16(at + 2)
    const id = view.getUint32(at + 4)
    const length = view.getUint32(at + 8)
    if (view.getUint8(at) !== VERSION) throw new YamuxError('version')
    // go-yamux ignores flags that it does not know; here they are the first sign of a peer that is out of step
    if ((flags & ~KNOWN_FLAGS) !== 0) throw new YamuxError('flags')
    if (type > GO_AWAY) throw new YamuxError('type')
    if ((id === 0) !== (type === PING || type === GO_AWAY)) throw new YamuxError('stream-id')
    if (type === PING) this.#ping(flags, length)
    else if (type === GO_AWAY) this.#goAway(length)
    else this.#streamFrame(type, flags, id, length)
  }

  #ping(flags: number, value: number): void {
    if (flags === SYN) {
      if (++this.#pings > this.#table.limits.pingBudget) throw new YamuxError('ping-budget')
      this.#table.writeHeader(PING, ACK, 0, value)
    } else if (flags !== ACK) {
      throw new YamuxError('flags')
    } else if (this.#pingPending && value === this.#pingId) {
      // an answer to nothing is ignored, as in go-yamux
      this.#pingPending = false
      this.#table.owner.onPong()
    }
  }

  #goAway(code: number): void {
    if (this.#receivedGoAway) return
    this.#receivedGoAway = true
    this.#table.owner.onGoAway(code)
  }

  #streamFrame(type: number, flags: number, id: number, length: number): void {
    // no window is ever longer, not even one that is no more
    if (type === DATA && length > INITIAL_WINDOW_BYTES) throw new YamuxError('window-exceeded')
    if ((flags & SYN) !== 0) this.#accept(id, (flags & RST) !== 0)
    // none: a reset crossed with it
    const stream = this.#table.streams.get(id)
    const hasFin = (flags & FIN) !== 0
    if ((flags & RST) !== 0) {
      // the length of a window update is go-yamux's error code here
      this.#startPayload(undefined, type === DATA ? length : 0, false)
      stream?.receiveReset()
      if (stream?.isInbound) this.#table.resets++
    } else if (type === DATA) {
      stream?.claim(length)
      this.#startPayload(stream, length, hasFin)
      if (length === 0 && hasFin) stream?.receiveFin()
    } else if (stream !== undefined) {
      stream.receiveWindow(length)
      if (hasFin) stream.receiveFin()
    }
  }

  #startPayload(of: YamuxStream | undefined, length: number, hasFin: boolean): void {
    this.#payloadOf = length === 0 ? undefined : of
    this.#payloadLeft = length
    this.#payloadHasFin = hasFin
  }

  #payload(bytes: Uint8Array): void {
    const stream = this.#payloadOf
    this.#payloadLeft -= bytes.length
    if (this.#payloadLeft === 0) this.#payloadOf = undefined
    if (stream === undefined) return
    stream.receiveData(bytes)
    if (this.#payloadLeft === 0 && this.#payloadHasFin) stream.receiveFin()
  }

  /**
   * An id that was used before is taken again, as in go-yamux: streams that Go opens at the same time arrive in any order, so
   * that nothing short of a list of all ids would tell.
   */
  #accept(id: number, isReset: boolean): void {
    const { owner, streams, inboundCount, limits } = this.#table
    if (id % 2 !== this.#inboundParity) throw new YamuxError('stream-id')
    if (streams.has(id)) throw new YamuxError('duplicate-stream')
    if (++this.#table.opened > limits.openBudget) throw new YamuxError('open-budget')
    if (isReset) {
      this.#table.resets++
      return
    }
    if (this.#sentGoAway || inboundCount >= limits.maxInboundStreams) {
      this.#table.writeHeader(WINDOW_UPDATE, RST, id, 0)
      this.#table.resets++
      return
    }
    const stream = new YamuxStream(this.#table, id, true, UNATTENDED)
    this.#table.add(stream)
    try {
      owner.onStream(stream)
    } catch (cause) {
      owner.onHandlerError?.(stream, cause)
      stream.reset('its owner failed')
    }
    if (stream.handler === UNATTENDED) stream.reset('nobody took it')
  }
}
