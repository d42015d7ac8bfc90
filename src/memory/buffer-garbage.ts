import type { Defer } from '../turns.ts'
import { collectYoung } from './collector.ts'

/**
 * So many bytes may go through before they are collected. V8 sees a Buffer of 64 KiB as a hundred bytes of its young generation, which holds
 * thousands of them, and looks at what they hold outside of it only from 32 to 64 MB on: a flood filled 110 MB of this process.
 * Collecting every 2 MiB costs a flood nothing that can be measured (Node 24: it got more served).
 */
export const collectEveryBytes = 2 * 1024 * 1024

/** Has the Buffers that went through this process collected while they are few. */
export class BufferGarbage {
  readonly #collect: () => void
  readonly #defer: Defer
  #bytes = 0

  /** @param defer calls its argument once nobody uses what went through */
  constructor(collect: () => void = collectYoung, defer: Defer = setImmediate) {
    this.#collect = collect
    this.#defer = defer
  }

  /** So many bytes of Buffers are about to be garbage. */
  add(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes < collectEveryBytes) return
    this.#bytes = 0
    this.#defer(this.#collect)
  }
}

/** Of this process, as its garbage is. */
export const bufferGarbage = new BufferGarbage()
