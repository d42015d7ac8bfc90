import type { MemoryLimit } from '../../observe/memory-limit.ts'

/** What is so on this machine, as far as the node depends on it. Gathered in gather.ts, judged in checks.ts. */
export interface Facts {
  /** Undefined: the system does not say. */
  readonly openFiles: number | undefined
  readonly memory: Pick<MemoryLimit, 'bytes' | 'of'>
  /** V8's limit for what lives long. */
  readonly heapBytes: number
  /** Undefined: nobody looked. */
  readonly ports: readonly PortFact[] | undefined
  readonly clock: {
    /** Wall time, ms since 1970. */
    readonly nowMs: number
    /** Whether it follows a time server; undefined: nobody here says. */
    readonly isSynchronized: boolean | undefined
  }
  /** IP addresses of the machine. */
  readonly addresses: readonly string[]
  /** Whether the addresses are those of a container. */
  readonly isContainer: boolean
  /** Undefined: there is no DATA_DIR. */
  readonly dataDir: DirectoryFact | undefined
  /** Undefined: no identity is kept. */
  readonly keyFile: { readonly path: string; readonly mode: number } | undefined
  /** Undefined: there is no LOG_FILE. */
  readonly logDir: DirectoryFact | undefined
}

export interface PortFact {
  readonly address: string
  /** `ours`: the node of this configuration has it, and answers. */
  readonly state: 'free' | 'ours' | 'taken' | 'forbidden' | 'failed'
  /** What the system or the node said. */
  readonly detail: string
}

export interface DirectoryFact {
  readonly path: string
  /** Why nothing can be written there; undefined: it can. */
  readonly problem: string | undefined
  /** For this user; undefined: the system does not say. */
  readonly freeBytes: number | undefined
}

/** What was found of one thing. */
export interface Finding {
  readonly name: string
  readonly level: 'ok' | 'warn' | 'fail'
  /** What is so. */
  readonly value: string
  /** What to do; undefined: nothing. */
  readonly advice?: string
}
