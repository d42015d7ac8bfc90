import { connect, type Socket } from 'node:net'

const everyMs = 5

/** Connects to a port every few milliseconds, as clients might, and notes how long it was closed. */
export class PortProbe {
  readonly #timer: NodeJS.Timeout
  readonly #port: number
  readonly #open = new Set<Socket>()
  #closedAtMs: number | undefined
  #longestMs = 0
  #refused = 0

  constructor(port: number) {
    this.#port = port
    this.#timer = setInterval(() => this.#try(), everyMs)
  }

  /** Ends it. @returns the longest time between a refusal and the next success, and how many were refused */
  stop(): { closedMs: number; refused: number } {
    clearInterval(this.#timer)
    for (const socket of this.#open) socket.destroy()
    return { closedMs: Math.round(this.#longestMs), refused: this.#refused }
  }

  #try(): void {
    const atMs = performance.now()
    const socket = connect(this.#port, '127.0.0.1')
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
    socket.once('connect', () => {
      if (this.#closedAtMs !== undefined) this.#longestMs = Math.max(this.#longestMs, atMs - this.#closedAtMs)
      this.#closedAtMs = undefined
      socket.destroy()
    })
    socket.once('error', () => {
      this.#refused++
      this.#closedAtMs ??= atMs
    })
  }
}
