/** How many circuits each peer is part of, at either end; one entry for each peer with a circuit. */
export class CircuitCount {
  readonly #places = new Map<string, number>()
  readonly #maxPerPeer: number
  #circuits = 0

  constructor(maxPerPeer: number) {
    this.#maxPerPeer = maxPerPeer
  }

  /** Those that are being made are among them. */
  get circuits(): number {
    return this.#circuits
  }

  get peers(): number {
    return this.#places.size
  }

  /**
   * A place for a circuit at both its ends, as in Go before the far end is asked: many requests may wait for it at once.
   *
   * @returns gives the place back, to be called once; undefined when one of them has no place
   */
  take(ends: readonly Uint8Array[]): (() => void) | undefined {
    const names = [...new Set(ends.map(nameOf))]
    if (names.some((name) => (this.#places.get(name) ?? 0) >= this.#maxPerPeer)) return undefined
    this.#circuits++
    for (const name of names) this.#places.set(name, (this.#places.get(name) ?? 0) + 1)
    return () => {
      this.#circuits--
      for (const name of names) {
        const rest = (this.#places.get(name) ?? 1) - 1
        if (rest > 0) this.#places.set(name, rest)
        else this.#places.delete(name)
      }
    }
  }
}

function nameOf(peerId: Uint8Array): string {
  return Buffer.from(peerId).toString('hex')
}
