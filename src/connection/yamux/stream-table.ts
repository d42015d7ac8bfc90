import { YamuxError } from './error.ts'
import { encodeHeader } from './frame.ts'
import type { YamuxLimits } from './limits.ts'
import type { YamuxStream } from './stream.ts'

/** What a session needs from the connection that carries it. None of it may call `receive`. */
export interface YamuxOwner {
  /**
   * Bytes for the peer, in order; header and payload come one after the other. They belong to the owner from now on, which
   * sends all of a tick in one write.
   */
  write(bytes: Uint8Array): void
  /** The peer opened a stream, which has its handler when this returns, or was reset; data may follow at once. */
  onStream(stream: YamuxStream): void
  /** Once for each stream, after its handler's `onClose`. */
  onStreamClosed(stream: YamuxStream): void
  /** The peer has answered {@link YamuxSession.ping}. */
  onPong(): void
  /** The peer wants no more streams: 0 it is leaving, 1 we broke the protocol, 2 it failed. Go closes its connection then. */
  onGoAway(code: number): void
  /** The streams and their handlers hold so many bytes more in memory, or fewer. */
  onHolding?(differenceBytes: number): void
  /** A handler threw, which is a defect of ours; its stream is reset. */
  onHandlerError?(stream: YamuxStream, cause: unknown): void
}

/** The streams of a session and what they share. */
export class StreamTable {
  readonly owner: YamuxOwner
  readonly limits: YamuxLimits
  readonly streams = new Map<number, YamuxStream>()
  inboundCount = 0
  /** Streams of the peer that it or this node has reset, and those that were refused; until they are forgiven. */
  resets = 0
  /** Streams that the peer has opened, in the same time. */
  opened = 0
  /** Memory held for what came for paused streams. */
  unreadBytes = 0
  unsentBytes = 0
  /** Streams keep their data to themselves: the socket is behind. */
  held = false
  /** Nothing is written any more. */
  silent = false

  constructor(owner: YamuxOwner, limits: YamuxLimits) {
    this.owner = owner
    this.limits = limits
  }

  add(stream: YamuxStream): void {
    this.streams.set(stream.id, stream)
    if (stream.isInbound) this.inboundCount++
  }

  remove(stream: YamuxStream): void {
    this.streams.delete(stream.id)
    if (stream.isInbound) this.inboundCount--
  }

  write(bytes: Uint8Array): void {
    if (!this.silent) this.owner.write(bytes)
  }

  writeHeader(type: number, flags: number, streamId: number, length: number): void {
    this.write(encodeHeader(type, flags, streamId, length))
  }

  /** @throws {YamuxError} at the bound, before anything is counted */
  countUnread(bytes: number): void {
    if (this.unreadBytes + bytes > this.limits.maxUnreadBytes) throw new YamuxError('unread-limit')
    this.unreadBytes += bytes
    this.owner.onHolding?.(bytes)
  }

  releaseUnread(bytes: number): void {
    if (bytes === 0) return
    this.unreadBytes -= bytes
    this.owner.onHolding?.(-bytes)
  }

  countUnsent(difference: number): void {
    if (difference === 0) return
    this.unsentBytes += difference
    this.owner.onHolding?.(difference)
  }
}
