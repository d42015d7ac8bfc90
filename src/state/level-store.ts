import { join } from 'node:path'
import type { Logger } from '../observe/logger.ts'
import { makeDataDir, removePid, writePid } from './data-dir.ts'
import { type Level, LevelTrouble, troubleOf } from './level.ts'
import { openGuarded } from './log-guard.ts'
import { repair } from './repair.ts'
import { seal, unseal } from './sealed.ts'
import type { Entry, StateStore } from './store.ts'

export interface LevelStoreParts {
  readonly logger: Logger
  /** Told when some of what was written is not in the store any more: it was damaged, or is gone. */
  readonly onReplaced?: () => void
  /** Wall time in milliseconds, for the names of what is set aside. Default: the system's. */
  readonly wallTimeMs?: () => number
}

/** A disk that damages what it has just taken is not asked for ever. */
const maxRepairs = 3

const readAtOnce = 1000

/**
 * The state as a LevelDB in `DATA_DIR/state`. One that is not open, as it could not be opened or a write has failed, is
 * opened by whoever reads or writes next.
 *
 * A write is on the disk when it settles: it survives `kill -9` and a power failure.
 */
export class LevelStore implements StateStore {
  readonly #dataDir: string
  readonly #location: string
  readonly #logger: Logger
  readonly #onReplaced: () => void
  readonly #wallTimeMs: () => number
  readonly #setAside: string[] = []
  #db: Level | undefined
  #repairs = 0
  /** The store opens although it is damaged: LevelDB looks at its tables when it needs them. */
  #isDamaged = false
  #closed = false
  /** Settles with the work on the store that was begun last. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(dataDir: string, { logger, onReplaced = () => {}, wallTimeMs = Date.now }: LevelStoreParts) {
    this.#dataDir = dataDir
    this.#location = join(dataDir, 'state')
    this.#logger = logger
    this.#onReplaced = onReplaced
    this.#wallTimeMs = wallTimeMs
  }

  /** Where damaged stores were put since the start. */
  get setAside(): readonly string[] {
    return this.#setAside
  }

  /** @throws LevelTrouble `locked`: another process has it; `unusable`: a write will try again */
  open(): Promise<void> {
    return this.#alone(async () => {
      await this.#opened()
    })
  }

  /**
   * Reads on after a repair; entries that are damaged are said.
   *
   * @throws LevelTrouble
   */
  async *entries(prefix: string): AsyncGenerator<Entry> {
    let after: Buffer | undefined
    let damaged = 0
    for (let db = await this.#alone(() => this.#opened()); ; ) {
      const iterator = db.iterator({ ...rangeOf(prefix, after), fillCache: false })
      try {
        for (;;) {
          const read = await iterator.nextv(readAtOnce)
          if (read.length === 0) {
            if (damaged > 0) this.#logger.error(`${damaged} entries of the state are damaged and were left out`)
            return
          }
          for (const [key, sealed] of read) {
            after = key
            const value = unseal(key, sealed)
            if (value === undefined) damaged++
            yield [key.toString('latin1'), value]
          }
        }
      } catch (error) {
        db = await this.#afterFailedRead(db, error)
      } finally {
        await iterator.close().catch(() => {})
      }
    }
  }

  /** @throws LevelTrouble */
  write(changes: ReadonlyMap<string, Uint8Array | undefined>): Promise<void> {
    return this.#alone(async () => {
      const db = await this.#opened()
      const operations = [...changes].map(([name, value]) => {
        const key = Buffer.from(name, 'latin1')
        return value === undefined
          ? { type: 'del' as const, key }
          : { type: 'put' as const, key, value: seal(key, value) }
      })
      try {
        await db.batch(operations, { sync: true })
      } catch (error) {
        const trouble = troubleOf(error)
        // after a failed sync or compaction LevelDB takes no write until it is opened anew (1.20, RecordBackgroundError)
        await this.#shut(trouble.trouble === 'damaged')
        throw trouble
      }
    })
  }

  /** Idempotent. No write opens it again. */
  close(): Promise<void> {
    return this.#alone(async () => {
      this.#closed = true
      if (this.#db === undefined) return
      await this.#shut(false)
      removePid(this.#dataDir)
    })
  }

  async #opened(): Promise<Level> {
    if (this.#closed) throw new LevelTrouble('unusable', new Error('the store is closed'))
    this.#db ??= await this.#open()
    return this.#db
  }

  async #open(): Promise<Level> {
    try {
      makeDataDir(this.#dataDir)
      if (this.#isDamaged) await this.#repair()
      const { db, aside } = await openGuarded(this.#location, this.#wallTimeMs())
      if (aside !== undefined) {
        this.#setAside.push(aside)
        this.#onReplaced()
        this.#logger.error(
          `the latest changes of the state are damaged and partly lost; what there is of them is in ${aside}`
        )
      }
      writePid(this.#dataDir)
      return db
    } catch (error) {
      const trouble = troubleOf(error)
      if (trouble.trouble !== 'damaged' || this.#isDamaged) throw trouble
      this.#logger.error(`the state in ${this.#location} is damaged: ${trouble.message}`)
      this.#isDamaged = true
      return this.#open()
    }
  }

  async #repair(): Promise<void> {
    if (this.#repairs === maxRepairs)
      throw new LevelTrouble('unusable', new Error(`the state was damaged ${maxRepairs} times; look at the disk`))
    const repaired = await repair(this.#location, this.#wallTimeMs())
    this.#repairs++
    this.#isDamaged = false
    this.#onReplaced()
    if (repaired === undefined) {
      this.#logger.error(`the state in ${this.#location} is gone; the node goes on with an empty one`)
      return
    }
    const { aside, salvaged } = repaired
    this.#setAside.push(aside)
    this.#logger.error(
      `the damaged state is kept in ${aside}; the node goes on with ${salvaged ? 'what could be read of it' : 'an empty one'}`
    )
  }

  /**
   * @returns where to read on
   * @throws LevelTrouble when there is no such place
   */
  #afterFailedRead(readFrom: Level, error: unknown): Promise<Level> {
    return this.#alone(async () => {
      // somebody else has seen it before
      if (this.#db !== readFrom) return this.#opened()
      const trouble = troubleOf(error)
      if (trouble.trouble !== 'damaged') throw trouble
      this.#logger.error(`the state in ${this.#location} is damaged: ${trouble.message}`)
      await this.#shut(true)
      return this.#opened()
    })
  }

  async #shut(isDamaged: boolean): Promise<void> {
    const db = this.#db
    this.#db = undefined
    this.#isDamaged ||= isDamaged
    await db?.close()
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work)
    this.#last = done
    return done
  }
}

/** All keys that begin with `prefix`, in the order of their bytes; behind `after`, if given. */
function rangeOf(prefix: string, after: Buffer | undefined): { gte?: Buffer; gt?: Buffer; lt?: Buffer } {
  const first = Buffer.from(prefix, 'latin1')
  const from = after === undefined ? { gte: first } : { gt: after }
  // the first key behind all of them: the prefix without its trailing 0xff, and one more
  const last = first.findLastIndex((byte) => byte < 0xff)
  if (last === -1) return from
  const until = Buffer.from(first.subarray(0, last + 1))
  until.writeUInt8(until.readUInt8(last) + 1, last)
  return { ...from, lt: until }
}
