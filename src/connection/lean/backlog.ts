import { ConnectionEnd } from '../endings.ts'

/**
 * What all connections of a port may hold together for peers that do not read or do not finish: answers that wait for a window
 * or a socket, requests that wait for a budget, halves of messages. Each connection has bounds of its own, but an attacker
 * makes hundreds of connections a second. 8 MiB are 128 peers with 64 KiB each; a client of the network waits with less.
 */
export const maxHeldBytes = 8 * 1024 * 1024
/** So that those who hold the most are looked for once in a while, and not with each byte at the bound. */
const relievedShare = 0.75

export interface Holder {
  abort(error: Error): void
}

/** Bytes that connections hold, by connection. At the bound those that hold the most are closed, in a turn of their own. */
export class Backlog<T extends Holder> {
  readonly #held = new Map<T, number>()
  readonly #maxBytes: number
  readonly #defer: (fn: () => void) => void
  #bytes = 0
  #deferred = false

  /** @param defer calls its argument once nothing of a connection is on the stack */
  constructor(maxBytes = maxHeldBytes, defer: (fn: () => void) => void = setImmediate) {
    this.#maxBytes = maxBytes
    this.#defer = defer
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Connections that hold something. */
  get holders(): number {
    return this.#held.size
  }

  /** The connection holds so many bytes more, or fewer. */
  change(holder: T, differenceBytes: number): void {
    this.#set(holder, Math.max(0, (this.#held.get(holder) ?? 0) + differenceBytes))
    if (this.#bytes <= this.#maxBytes || this.#deferred) return
    this.#deferred = true
    this.#defer(this.#relieve)
  }

  /** To be called when it is closed. */
  forget(holder: T): void {
    this.#set(holder, 0)
  }

  #set(holder: T, bytes: number): void {
    this.#bytes += bytes - (this.#held.get(holder) ?? 0)
    if (bytes > 0) this.#held.set(holder, bytes)
    else this.#held.delete(holder)
  }

  readonly #relieve = (): void => {
    this.#deferred = false
    if (this.#bytes <= this.#maxBytes) return
    const mostFirst = [...this.#held].sort(([, a], [, b]) => b - a)
    for (const [holder] of mostFirst) {
      if (this.#bytes <= this.#maxBytes * relievedShare) break
      holder.abort(new ConnectionEnd('backlog', 'it held the most while all connections held too much'))
      this.forget(holder)
    }
  }
}
