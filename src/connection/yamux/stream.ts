import type { ByteStream, ByteStreamHandler } from '../byte-stream.ts'
import { YamuxError } from './error.ts'
import { ACK, DATA, FIN, INITIAL_WINDOW_BYTES, MAX_PAYLOAD_BYTES, MAX_UINT32, RST, WINDOW_UPDATE } from './frame.ts'
import type { StreamTable } from './stream-table.ts'
import { Unread } from './unread.ts'

const INBOUND = 1
/** The peer's SYN is answered by the first frame that we send, whichever it is. */
const ACK_DUE = 2
const PAUSED = 4
const CLOSING = 8
const FIN_SENT = 16
const FIN_RECEIVED = 32
const END_DELIVERED = 64
const RESET_BY_US = 128
const RESET_BY_PEER = 256
const OVER = 512
const DELIVERING_UNREAD = 1024

/** Half of the window at a time: few updates, and the peer need not wait for one. */
const GIVE_BACK_BYTES = INITIAL_WINDOW_BYTES / 2

/** What the peer's window, or the socket, does not take yet. */
interface Unsent {
  readonly chunks: Uint8Array[]
  bytes: number
}

/** One stream. An idle one is this object and its place in the table: tens of thousands are open at a time. */
export class YamuxStream implements ByteStream {
  handler: ByteStreamHandler
  /** What is spoken on it; empty while that is not agreed on. Kept by the owner. */
  protocol = ''
  readonly id: number
  readonly #table: StreamTable
  #state: number
  #sendWindow = INITIAL_WINDOW_BYTES
  #receiveWindow = INITIAL_WINDOW_BYTES
  /** Bytes that the handler has seen and the peer's window has not got back. */
  #consumed = 0
  #unread: Unread | undefined
  #unsent: Unsent | undefined

  constructor(table: StreamTable, id: number, isInbound: boolean, handler: ByteStreamHandler) {
    this.#table = table
    this.id = id
    this.#state = isInbound ? INBOUND | ACK_DUE : 0
    this.handler = handler
  }

  get isInbound(): boolean {
    return this.#is(INBOUND)
  }

  /** Nothing more can be sent. */
  get writeClosed(): boolean {
    return this.#is(CLOSING | OVER)
  }

  /** Nothing more will be delivered. */
  get readClosed(): boolean {
    return this.#is(END_DELIVERED | OVER)
  }

  /** The peer has ended its side, though what it sent may still wait for {@link resume}. */
  get remoteWriteClosed(): boolean {
    return this.#is(FIN_RECEIVED | OVER)
  }

  /** Who reset the stream, if it ended in that way. */
  get resetBy(): 'us' | 'peer' | undefined {
    if (this.#is(RESET_BY_US)) return 'us'
    return this.#is(RESET_BY_PEER) ? 'peer' : undefined
  }

  /** Bytes that the peer takes at the moment. */
  get sendWindow(): number {
    return this.#sendWindow
  }

  get unsentBytes(): number {
    return this.#unsent?.bytes ?? 0
  }

  send(bytes: Uint8Array): boolean {
    if (this.#is(CLOSING | OVER)) return true
    if (this.#unsent !== undefined) {
      this.#queue(bytes)
      return false
    }
    const sent = this.#sendFrames(bytes)
    if (sent === bytes.length) return true
    this.#queue(sent === 0 ? bytes : bytes.subarray(sent))
    return false
  }

  pause(): void {
    this.#state |= PAUSED
  }

  resume(): void {
    if (!this.#is(PAUSED)) return
    this.#state &= ~PAUSED
    if (this.#is(OVER | DELIVERING_UNREAD)) return
    this.#deliverUnread()
    this.#giveBack()
    this.#deliverEnd()
  }

  holds(differenceBytes: number): void {
    this.#table.owner.onHolding?.(differenceBytes)
  }

  close(): void {
    if (this.#is(CLOSING | OVER)) return
    this.#state |= CLOSING
    if (this.#unsent === undefined) this.#sendFin()
  }

  /** @param _reason yamux has no words for it */
  reset(_reason: string): void {
    if (this.#is(OVER)) return
    this.#table.writeHeader(WINDOW_UPDATE, RST, this.id, 0)
    // whoever resets it may do so at any time: the session looks when the peer says more
    if (this.isInbound) this.#table.resets++
    this.#end(RESET_BY_US)
  }

  // the peer's side, called by the session alone

  /** A data frame of this length begins. @throws {YamuxError} when the peer may not send as much */
  claim(length: number): void {
    if (length > this.#receiveWindow) throw new YamuxError('window-exceeded')
    this.#receiveWindow -= length
  }

  /** @throws {YamuxError} when the session holds too much that is unread */
  receiveData(bytes: Uint8Array): void {
    // data after FIN is dropped and its window never comes back
    if (this.#is(FIN_RECEIVED | OVER)) return
    if (this.#is(PAUSED)) {
      this.#keep(bytes)
      return
    }
    this.#handOver(bytes)
    this.#giveBack()
  }

  receiveFin(): void {
    this.#state |= FIN_RECEIVED
    this.#deliverEnd()
  }

  receiveReset(): void {
    this.#end(RESET_BY_PEER)
  }

  /** @throws {YamuxError} when the window would no longer fit its field */
  receiveWindow(delta: number): void {
    if (this.#sendWindow + delta > MAX_UINT32) throw new YamuxError('window-overflow')
    this.#sendWindow += delta
    this.flush()
  }

  /** Sends what waits, as far as it may. */
  flush(): void {
    const unsent = this.#unsent
    if (unsent === undefined) return
    const { chunks } = unsent
    let done = 0
    for (const chunk of chunks) {
      const sent = this.#sendFrames(chunk)
      // the owner may have closed the session while it wrote
      if (this.#is(OVER)) return
      unsent.bytes -= sent
      this.#table.countUnsent(-sent)
      if (sent < chunk.length) {
        if (sent > 0) chunks[done] = chunk.subarray(sent)
        break
      }
      done++
    }
    if (done < chunks.length) {
      if (done > 0) chunks.splice(0, done)
      return
    }
    this.#unsent = undefined
    this.#guard(() => this.handler.onDrain())
    // before or within onDrain, which may also have sent more
    if (this.#is(CLOSING) && !this.#is(FIN_SENT | OVER) && this.#unsent === undefined) this.#sendFin()
  }

  /** The connection is gone. */
  abandon(): void {
    this.#end(0)
  }

  #is(any: number): boolean {
    return (this.#state & any) !== 0
  }

  #takeAck(): number {
    if (!this.#is(ACK_DUE)) return 0
    this.#state &= ~ACK_DUE
    return ACK
  }

  /** @returns bytes that were sent */
  #sendFrames(bytes: Uint8Array): number {
    let at = 0
    while (at < bytes.length && this.#sendWindow > 0 && !this.#table.held) {
      const length = Math.min(bytes.length - at, this.#sendWindow, MAX_PAYLOAD_BYTES)
      this.#sendWindow -= length
      this.#table.writeHeader(DATA, this.#takeAck(), this.id, length)
      this.#table.write(length === bytes.length ? bytes : bytes.subarray(at, at + length))
      at += length
    }
    return at
  }

  #queue(bytes: Uint8Array): void {
    const table = this.#table
    if (table.unsentBytes + bytes.length > table.limits.maxUnsentBytes) {
      this.reset('too much is unsent')
      return
    }
    this.#unsent ??= { chunks: [], bytes: 0 }
    this.#unsent.chunks.push(bytes)
    this.#unsent.bytes += bytes.length
    table.countUnsent(bytes.length)
  }

  #sendFin(): void {
    this.#state |= FIN_SENT
    this.#table.writeHeader(WINDOW_UPDATE, FIN | this.#takeAck(), this.id, 0)
    if (this.#is(END_DELIVERED)) this.#end(0)
  }

  #handOver(bytes: Uint8Array): void {
    this.#consumed += bytes.length
    try {
      this.handler.onData(bytes)
    } catch (cause) {
      this.#fail(cause)
    }
  }

  #giveBack(): void {
    if (this.#consumed < GIVE_BACK_BYTES || this.#is(PAUSED | FIN_RECEIVED | OVER)) return
    const delta = this.#consumed
    this.#consumed = 0
    this.#receiveWindow += delta
    this.#table.writeHeader(WINDOW_UPDATE, this.#takeAck(), this.id, delta)
  }

  #keep(bytes: Uint8Array): void {
    this.#unread ??= new Unread()
    this.#table.countUnread(this.#unread.growthFor(bytes.length))
    this.#unread.append(bytes)
  }

  #dropUnread(): void {
    this.#table.releaseUnread(this.#unread?.capacity ?? 0)
    this.#unread = undefined
  }

  #deliverUnread(): void {
    const bytes = this.#unread?.bytes
    if (bytes === undefined) return
    this.#dropUnread()
    // a handler that pauses and resumes within onData does not get onEnd within it
    this.#state |= DELIVERING_UNREAD
    this.#handOver(bytes)
    this.#state &= ~DELIVERING_UNREAD
  }

  #deliverEnd(): void {
    if (!this.#is(FIN_RECEIVED) || this.#is(PAUSED | END_DELIVERED | OVER)) return
    this.#state |= END_DELIVERED
    this.#guard(() => this.handler.onEnd())
    if (this.#is(FIN_SENT)) this.#end(0)
  }

  #end(how: number): void {
    if (this.#is(OVER)) return
    this.#state |= OVER | how
    this.#dropUnread()
    this.#table.countUnsent(-this.unsentBytes)
    this.#unsent = undefined
    this.#table.remove(this)
    this.#guard(() => this.handler.onClose())
    this.#table.owner.onStreamClosed(this)
  }

  #guard(call: () => void): void {
    try {
      call()
    } catch (cause) {
      this.#fail(cause)
    }
  }

  #fail(cause: unknown): void {
    this.#table.owner.onHandlerError?.(this, cause)
    this.reset('its handler failed')
  }
}
