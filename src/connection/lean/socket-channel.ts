import type { Socket } from 'node:net'
import { type BufferGarbage, bufferGarbage } from '../../memory/buffer-garbage.ts'

/** Encrypts what goes out over a socket and decrypts what comes in. */
export interface Cipher {
  /** All of `parts`, as bytes for one write. */
  seal(parts: readonly Uint8Array[]): Uint8Array
  /**
   * Gives out the plaintext of what is complete, valid during the call of `take` alone.
   *
   * @param mostRecords to open; the rest of the chunk is to be pushed before any other
   * @throws when what came was not made by the peer
   */
  push(chunk: Uint8Array, take: (plaintext: Uint8Array) => void, mostRecords: number): Opened
  /** Nothing is given out any more. */
  close(): void
}

/** How much of a chunk a cipher has opened. */
export interface Opened {
  readonly records: number
  /** What it has not looked at; empty as a rule. */
  readonly rest: Uint8Array
}

/** Whoever the channel delivers to; nothing is called after `onClose`. */
export interface ChannelOwner {
  onBytes(bytes: Uint8Array): void
  /** A peer that was behind has caught up. */
  onDrain(): void
  /** So many bytes more wait for the socket, or fewer. */
  onHolding?(differenceBytes: number): void
  /** The peer will send no more; told only after {@link SocketChannel.announceEnd}. */
  onEnd?(): void
  onClose(cause: Error | undefined): void
}

/** With so much unsent a peer is behind: it is not listened to, and no more answered, until it has caught up. */
export const maxWaitingBytes = 256 * 1024

/**
 * What is read from one socket in a turn of the event loop. libuv reads 2 MiB from a peer that floods, which takes 10 ms and
 * more: eight such peers, and whoever joins waits for seconds. Two full reads are more than a client of the network ever has.
 */
const readPerTurnBytes = 128 * 1024
/** Shorter chunks are no flood, and not counted. */
const floodChunkBytes = 8 * 1024
/**
 * What is opened of them. Opening a record of a byte takes as long as one of a KB, some 1.3 µs: 7,000 of them fit into what is
 * read in a turn, and would take 9 ms instead of 0.1 ms. A client of the network sends a few at once.
 */
export const recordsPerTurn = 512
/** So few are no flood. */
const floodRecords = 16

const channelOf = Symbol('channel')

interface ChannelSocket extends Socket {
  [channelOf]?: SocketChannel | undefined
}

/**
 * A socket as the lean connection uses it: all that is written in one turn goes out in one write, and the listeners are
 * functions shared by all sockets.
 */
export class SocketChannel {
  owner: ChannelOwner
  readonly #socket: ChannelSocket
  readonly #garbage: Pick<BufferGarbage, 'add'>
  #cipher: Cipher | undefined
  /** What was written in this turn. One array for all turns, see {@link flush}. */
  readonly #parts: Uint8Array[] = []
  #partBytes = 0
  #scheduled = false
  #closed = false
  /** Nothing can be sent any more. */
  #ended = false
  #pausedByOwner = false
  #behind = false
  /** Read in this turn, in long chunks; opened, of chunks with many. */
  #turnBytes = 0
  #turnRecords = 0
  /** The turn's end has been asked for. */
  #counting = false
  /** It has had its turn. */
  #resting = false
  /** What waits for the socket and its owner has been told of. */
  #waitingBytes = 0

  constructor(socket: Socket, owner: ChannelOwner, garbage: Pick<BufferGarbage, 'add'> = bufferGarbage) {
    this.owner = owner
    this.#garbage = garbage
    this.#socket = socket
    this.#socket[channelOf] = this
    socket.on('data', onData).on('drain', onDrain).on('error', onError).on('close', onClose)
  }

  get closed(): boolean {
    return this.#closed
  }

  /** The peer does not read what it is sent. */
  get isBehind(): boolean {
    return this.#behind
  }

  /** From now on, in both directions; what was written before goes out in the clear. */
  encrypt(cipher: Cipher): void {
    this.flush()
    this.#cipher = cipher
  }

  write(bytes: Uint8Array): void {
    if (this.#closed || this.#ended) return
    this.#parts.push(bytes)
    this.#partBytes += bytes.length
    if (this.#partBytes > maxWaitingBytes) {
      // at once, so that who writes much in one turn sees that the peer is behind
      this.flush()
    } else if (!this.#scheduled) {
      this.#scheduled = true
      process.nextTick(flush, this)
    }
  }

  /** When the peer ends its side the owner is told, and closes this one; else the socket closes by itself. */
  announceEnd(): void {
    this.#socket.allowHalfOpen = true
    this.#socket.on('end', onEnd)
  }

  pause(): void {
    this.#pausedByOwner = true
    this.#socket.pause()
  }

  resume(): void {
    this.#pausedByOwner = false
    this.#resumeSocket()
  }

  #resumeSocket(): void {
    if (!this.#pausedByOwner && !this.#behind && !this.#resting) this.#socket.resume()
  }

  /** Ends this side when all has been sent; the socket closes when the peer has ended its own. */
  end(): void {
    this.flush()
    this.#ended = true
    this.#socket.end()
  }

  /** Closes at once, without a word to the owner. */
  destroy(): void {
    this.#closed = true
    this.#parts.length = 0
    this.#cipher?.close()
    this.#socket.destroy()
  }

  /** Gives the socket away with `unread`, which it will deliver again, for somebody else to listen to. */
  release(unread: Uint8Array): Socket {
    this.flush()
    this.#closed = true
    this.#socket[channelOf] = undefined
    this.#socket.off('data', onData).off('drain', onDrain).off('error', onError).off('close', onClose)
    this.#socket.pause()
    if (unread.length > 0) this.#socket.unshift(Uint8Array.from(unread))
    return this.#socket
  }

  /** @internal */
  received(chunk: Uint8Array): void {
    if (this.#closed) return
    this.#garbage.add(chunk.length)
    if (chunk.length >= floodChunkBytes) this.#count(chunk.length, 0)
    if (this.#cipher === undefined) this.owner.onBytes(chunk)
    else this.#open(this.#cipher, chunk)
  }

  #open(cipher: Cipher, chunk: Uint8Array): void {
    try {
      const { records, rest } = cipher.push(chunk, this.#take, recordsPerTurn - this.#turnRecords)
      if (this.#closed) return
      if (rest.length > 0 || records > floodRecords) this.#count(0, records)
      // the socket rests now, and delivers it again; its end comes after it
      if (rest.length > 0) this.#socket.unshift(rest)
    } catch (error) {
      this.fail(error as Error)
    }
  }

  #count(bytes: number, records: number): void {
    if (!this.#counting) setImmediate(nextTurn, this)
    this.#counting = true
    this.#turnBytes += bytes
    this.#turnRecords += records
    if ((this.#turnBytes < readPerTurnBytes && this.#turnRecords < recordsPerTurn) || this.#resting) return
    this.#resting = true
    this.#socket.pause()
  }

  /** @internal */
  beginTurn(): void {
    this.#counting = false
    this.#turnBytes = 0
    this.#turnRecords = 0
    if (!this.#resting) return
    this.#resting = false
    if (!this.#closed) this.#resumeSocket()
  }

  readonly #take = (plaintext: Uint8Array): void => {
    if (!this.#closed) this.owner.onBytes(plaintext)
  }

  /** Sends what was written so far. */
  flush(): void {
    this.#scheduled = false
    const parts = this.#parts
    if (parts.length === 0) return
    const [only] = parts
    const bytes = this.#cipher?.seal(parts) ?? (parts.length === 1 && only !== undefined ? only : Buffer.concat(parts))
    // emptied, not replaced: garbage that is old keeps what it holds, as collecting the young takes all that is old for alive.
    // Each answer stayed so until everything was collected (Node 24: 30 MB with a hundred clients)
    parts.length = 0
    this.#partBytes = 0
    this.#garbage.add(bytes.length)
    this.#socket.write(bytes)
    this.#noteWaiting()
    if (!this.#behind && this.#socket.writableLength > maxWaitingBytes) {
      this.#behind = true
      this.#socket.pause()
    }
  }

  /** @internal */
  drained(): void {
    if (this.#closed) return
    this.#noteWaiting()
    if (!this.#behind) return
    this.#behind = false
    this.#resumeSocket()
    this.owner.onDrain()
  }

  /** Only what `drain` will be told of: a socket takes nearly all at once. */
  #noteWaiting(): void {
    const waiting = this.#socket.writableNeedDrain ? this.#socket.writableLength : 0
    if (waiting === this.#waitingBytes) return
    this.owner.onHolding?.(waiting - this.#waitingBytes)
    this.#waitingBytes = waiting
  }

  /** Closes at once and tells the owner. */
  fail(cause: Error | undefined): void {
    if (this.#closed) return
    this.destroy()
    this.owner.onClose(cause)
  }
}

function flush(channel: SocketChannel): void {
  channel.flush()
}

function nextTurn(channel: SocketChannel): void {
  channel.beginTurn()
}

function onData(this: ChannelSocket, chunk: Uint8Array): void {
  this[channelOf]?.received(chunk)
}

function onDrain(this: ChannelSocket): void {
  this[channelOf]?.drained()
}

function onError(this: ChannelSocket, cause: Error): void {
  this[channelOf]?.fail(cause)
}

function onEnd(this: ChannelSocket): void {
  this[channelOf]?.owner.onEnd?.()
}

function onClose(this: ChannelSocket): void {
  this[channelOf]?.fail(undefined)
}
