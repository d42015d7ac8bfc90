/** The value is undefined when it is not the one that was written: the disk has damaged it. */
export type Entry = readonly [key: string, value: Uint8Array | undefined]

/**
 * What outlives the process: entries in one flat space. Keys are binary strings, one character a byte, as `keyOf` makes
 * them.
 */
export interface StateStore {
  /**
   * Every entry whose key begins with `prefix`, in the order of the keys.
   *
   * @throws what keeps it from being read to the end: an end without error is the end
   */
  entries(prefix: string): AsyncIterable<Entry>
  /**
   * Writes all changes or none; undefined removes an entry.
   *
   * @throws the error of the file system, such as ENOSPC
   */
  write(changes: ReadonlyMap<string, Uint8Array | undefined>): Promise<void>
}

/** Takes changes at once and writes them later, many at a time, off the path of whoever makes them. */
export interface Changes {
  /** @param encode gives the value at the time of the write; undefined removes the entry */
  changed(key: string, encode: () => Uint8Array | undefined): void
  /** Tries to write now what has changed so far; settles when that is over, whatever came of it. */
  flush(): Promise<void>
}
