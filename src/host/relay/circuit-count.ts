import type { Stream } from '@libp2p/interface'

/** How many circuits each peer is part of, at either end; one entry for each peer with an open circuit. */
export class CircuitCount {
  readonly #open = new Map<string, number>()
  readonly #maxPerPeer: number
  #circuits = 0

  constructor(maxPerPeer: number) {
    this.#maxPerPeer = maxPerPeer
  }

  get circuits(): number {
    return this.#circuits
  }

  get peers(): number {
    return this.#open.size
  }

  hasRoomFor(ends: readonly Uint8Array[]): boolean {
    return ends.map(nameOf).every((end) => (this.#open.get(end) ?? 0) < this.#maxPerPeer)
  }

  /** Counts a circuit until `stream`, one of its two, closes. */
  track(ends: readonly Uint8Array[], stream: Pick<Stream, 'addEventListener'>): void {
    this.#circuits++
    for (const end of ends.map(nameOf)) this.#open.set(end, (this.#open.get(end) ?? 0) + 1)
    stream.addEventListener(
      'close',
      () => {
        this.#circuits--
        for (const end of ends.map(nameOf)) {
          const rest = (this.#open.get(end) ?? 1) - 1
          if (rest > 0) this.#open.set(end, rest)
          else this.#open.delete(end)
        }
      },
      { once: true }
    )
  }
}

function nameOf(peerId: Uint8Array): string {
  return Buffer.from(peerId).toString('hex')
}
