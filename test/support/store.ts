import type { Changes, Entry, StateStore } from '../../src/state/store.ts'

/** A store in memory that takes changes too; `write` is made when {@link settle} is called. */
export class MemoryStore implements StateStore, Changes {
  readonly kept = new Map<string, Uint8Array>()
  readonly #damaged = new Set<string>()
  readonly #pending = new Map<string, () => Uint8Array | undefined>()

  /** Keys with a change that is not written. */
  get pending(): string[] {
    return [...this.#pending.keys()]
  }

  async *entries(prefix: string): AsyncGenerator<Entry> {
    for (const key of [...this.kept.keys()].filter((name) => name.startsWith(prefix)).sort()) {
      yield [key, this.#damaged.has(key) ? undefined : this.kept.get(key)]
    }
  }

  /** @param value that is read from now on; undefined: none can be */
  damage(key: string, value: Uint8Array | undefined): void {
    this.kept.set(key, value ?? new Uint8Array())
    if (value === undefined) this.#damaged.add(key)
  }

  async write(changes: ReadonlyMap<string, Uint8Array | undefined>): Promise<void> {
    for (const [key, value] of changes) {
      if (value === undefined) this.kept.delete(key)
      else this.kept.set(key, value)
    }
  }

  changed(key: string, encode: () => Uint8Array | undefined): void {
    this.#pending.set(key, encode)
  }

  async flush(): Promise<void> {
    this.settle()
  }

  /** Writes what has changed. */
  settle(): void {
    const changes = new Map([...this.#pending].map(([key, encode]) => [key, encode()]))
    this.#pending.clear()
    void this.write(changes)
  }
}
