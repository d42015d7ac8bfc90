import type { Connection } from '@libp2p/interface'

/** One stream, as the protocol that is spoken on it sees it. */
export interface ByteStream {
  /**
   * Sends bytes, which belong to the stream from now on. A no-op on a stream whose writing is over.
   *
   * @returns false when the peer is behind with reading: what is sent before `onDrain` waits in memory
   */
  send(bytes: Uint8Array): boolean
  /** No `onData` until {@link resume}; the peer is held back once its window is full. */
  pause(): void
  resume(): void
  /** The handler keeps so many bytes more of what came, or fewer; on streams that count them. */
  holds?(differenceBytes: number): void
  /** Ends this side, after what was sent. */
  close(): void
  /** Ends both sides at once. */
  reset(reason: string): void
}

/** What a protocol does with a stream. Nothing is called after `onClose`; nothing here may throw. */
export interface ByteStreamHandler {
  /** @param bytes valid during the call alone: copy what is kept */
  onData(bytes: Uint8Array): void
  /** The peer has caught up after `send` returned false. */
  onDrain(): void
  /** The peer has ended its side. */
  onEnd(): void
  /** Both sides are over, by whatever cause. */
  onClose(): void
}

/**
 * A protocol that this node serves on streams that peers open. Such a stream costs little on the lean connection; on
 * others it is carried by a stream of libp2p.
 */
export interface ByteProtocol {
  /** Streams that one connection may have open at a time; what is beyond is reset. */
  readonly maxInboundStreams: number
  open(stream: ByteStream, connection: Connection): ByteStreamHandler
}
