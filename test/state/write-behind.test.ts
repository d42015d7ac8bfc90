import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WriteBehind } from '../../src/state/write-behind.ts'
import { SimulatedClock } from '../support/clock.ts'
import { collectedLog } from '../support/log.ts'

const text = (value: string) => Buffer.from(value)

/** A store in memory whose writes end when and as the test says. */
class Store {
  readonly entries = new Map<string, string>()
  readonly batches: string[][] = []
  error: Error | undefined
  /** Writes wait until it settles. */
  gate: Promise<void> = Promise.resolve()
  atOnce = 0
  mostAtOnce = 0

  async write(changes: ReadonlyMap<string, Uint8Array | undefined>): Promise<void> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce)
    try {
      await this.gate
      if (this.error !== undefined) throw this.error
      this.batches.push([...changes.keys()])
      for (const [key, value] of changes) {
        if (value === undefined) this.entries.delete(key)
        else this.entries.set(key, Buffer.from(value).toString())
      }
    } finally {
      this.atOnce--
    }
  }
}

function writeBehind(maxPending?: number) {
  const store = new Store()
  const clock = new SimulatedClock()
  const { logger, lines } = collectedLog()
  const changes = new WriteBehind({ store, clock, logger, ...(maxPending === undefined ? {} : { maxPending }) })
  const pass = async (ms: number) => {
    clock.advance(ms)
    await settled()
  }
  return { store, clock, lines, changes, pass }
}

/** What is ready has been done. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

const full = new Error('IO error: /x/000004.log: No space left on device')

describe('changes', () => {
  it('are written together a second after the first, with the values of that moment', async () => {
    const { store, changes, pass } = writeBehind()
    let value = 'early'
    changes.changed('a', () => text(value))
    await pass(999)
    expect(store.batches).toEqual([])
    changes.changed('b', () => text('b'))
    changes.changed('c', () => undefined)
    value = 'late'
    await pass(1)
    expect(store.batches).toEqual([['a', 'b', 'c']])
    expect(Object.fromEntries(store.entries)).toEqual({ a: 'late', b: 'b' })
    expect(changes.pending).toBe(0)
  })

  it('of one key are one', async () => {
    const { store, changes, pass } = writeBehind()
    for (let n = 0; n < 10; n++) changes.changed('a', () => text(String(n)))
    expect(changes.pending).toBe(1)
    await pass(1000)
    expect(store.entries.get('a')).toBe('9')
  })

  it('leave no timer when there is nothing to write', async () => {
    const { clock, changes, pass } = writeBehind()
    changes.changed('a', () => text('1'))
    await pass(1000)
    await pass(10_000)
    expect(clock.pending).toBe(0)
  })

  it('that come during a write wait for the next, which is no earlier than a second later', async () => {
    const { store, changes, pass } = writeBehind()
    const gate = Promise.withResolvers<void>()
    store.gate = gate.promise
    changes.changed('a', () => text('1'))
    await pass(1000)
    changes.changed('a', () => text('2'))
    await pass(5000)
    expect(store.mostAtOnce).toBe(1)
    gate.resolve()
    await settled()
    expect(store.entries.get('a')).toBe('1')
    await pass(999)
    expect(store.batches).toHaveLength(1)
    await pass(1)
    expect(store.entries.get('a')).toBe('2')
    expect(store.mostAtOnce).toBe(1)
  })

  it('are encoded some hundred at a time, so that nobody waits for many', async () => {
    const { store, changes, pass } = writeBehind()
    for (let n = 0; n < 1200; n++) changes.changed(String(n), () => text('x'))
    await pass(1000)
    expect(store.batches.map(({ length }) => length)).toEqual([500, 500, 200])
  })
})

describe('a write that fails', () => {
  it('keeps its changes, newer ones win, and is tried again ever later', async () => {
    const { store, changes, pass } = writeBehind()
    store.error = full
    changes.changed('a', () => text('old'))
    changes.changed('b', () => text('b'))
    await pass(1000)
    expect(changes.pending).toBe(2)
    changes.changed('a', () => text('new'))
    let attempts = 0
    const write = store.write.bind(store)
    store.write = (batch) => {
      attempts++
      return write(batch)
    }
    await pass(1000)
    expect(attempts).toBe(1)
    await pass(1999)
    expect(attempts).toBe(1)
    await pass(1)
    expect(attempts).toBe(2)
    for (let seconds = 0; seconds < 600; seconds++) await pass(1000)
    expect(attempts).toBeLessThan(20)
    store.error = undefined
    await pass(60_000)
    expect(Object.fromEntries(store.entries)).toEqual({ a: 'new', b: 'b' })
  })

  it('a change during the failing write wins over what it tried to write', async () => {
    const { store, changes, pass } = writeBehind()
    const gate = Promise.withResolvers<void>()
    store.gate = gate.promise
    store.error = full
    changes.changed('a', () => text('old'))
    await pass(1000)
    changes.changed('a', () => undefined)
    gate.resolve()
    await settled()
    store.error = undefined
    await pass(1000)
    expect(Object.fromEntries(store.entries)).toEqual({})
    expect(store.batches).toEqual([['a']])
  })

  it('is one line of the log until it works again, which is one more', async () => {
    const { store, clock, changes, lines, pass } = writeBehind()
    store.error = full
    changes.changed('a', () => text('1'))
    for (let seconds = 0; seconds < 300; seconds++) await pass(1000)
    expect(lines).toEqual([
      { level: 'error', text: expect.stringMatching(/^the state cannot be saved: .*No space left/) }
    ])
    expect(changes.problem).toEqual({ reason: full.message, forMs: clock.now() - 1000 })
    store.error = undefined
    await pass(60_000)
    expect(changes.problem).toBeUndefined()
    expect(lines.slice(1)).toEqual([
      { level: 'warn', text: expect.stringMatching(/^the state is saved again, after \d+ s$/) }
    ])
  })

  it('that was somebody else’s is tried again too, without a change', async () => {
    const { store, changes, pass } = writeBehind()
    store.error = full
    changes.failed(full)
    await pass(1000)
    expect(changes.problem).toMatchObject({ reason: full.message })
    store.error = undefined
    await pass(2000)
    expect(changes.problem).toBeUndefined()
  })

  it('for long: the keys that wait are bounded, the oldest go, and their number is said', async () => {
    const { store, changes, lines, pass } = writeBehind(100)
    store.error = full
    for (let n = 0; n < 60; n++) changes.changed(`before ${n}`, () => text('x'))
    await pass(1000)
    for (let n = 0; n < 1000; n++) {
      changes.changed(String(n), () => text('x'))
      expect(changes.pending).toBeLessThanOrEqual(100)
      if (n % 100 === 0) await pass(60_000)
    }
    expect(changes.pending).toBe(100)
    store.error = undefined
    await pass(60_000)
    expect(store.entries.has('999')).toBe(true)
    expect(store.entries.size).toBe(100)
    expect(lines.at(-1)?.text).toMatch(/; 960 changes were too many to wait and are lost$/)
  })

  it('at the bound, with as many new ones meanwhile, keeps to it', async () => {
    const { store, changes, pass } = writeBehind(10)
    const gate = Promise.withResolvers<void>()
    store.gate = gate.promise
    store.error = full
    for (let n = 0; n < 10; n++) changes.changed(`old ${n}`, () => text('x'))
    await pass(1000)
    for (let n = 0; n < 10; n++) changes.changed(`new ${n}`, () => text('x'))
    gate.resolve()
    await settled()
    expect(changes.pending).toBe(10)
  })
})

describe('close()', () => {
  it('are written at once when somebody asks, behind the write under way, and not again a second later', async () => {
    const { store, changes, pass, clock } = writeBehind()
    let open = () => {}
    store.gate = new Promise((resolve) => {
      open = resolve
    })
    changes.changed('a', () => text('1'))
    await pass(1_000)
    changes.changed('b', () => text('2'))
    const flushed = changes.flush()
    await settled()
    expect(store.batches).toEqual([])
    open()
    await flushed
    expect([store.batches, store.mostAtOnce, clock.pending]).toEqual([[['a'], ['b']], 1, 0])
    await changes.flush()
    expect(store.batches).toHaveLength(2)
  })

  it('writes what is left, awaits the write under way, and takes nothing more', async () => {
    const { store, clock, changes, pass } = writeBehind()
    const gate = Promise.withResolvers<void>()
    store.gate = gate.promise
    changes.changed('a', () => text('1'))
    await pass(1000)
    changes.changed('a', () => text('2'))
    changes.changed('b', () => text('b'))
    const closed = changes.close()
    changes.changed('c', () => text('c'))
    gate.resolve()
    await closed
    expect(Object.fromEntries(store.entries)).toEqual({ a: '2', b: 'b' })
    expect(store.mostAtOnce).toBe(1)
    expect(clock.pending).toBe(0)
  })

  it('says how much it could not save', async () => {
    const { store, clock, changes } = writeBehind()
    store.error = full
    changes.changed('a', () => text('1'))
    await expect(changes.close()).rejects.toThrow('1 changes of the state were not saved')
    expect(clock.pending).toBe(0)
  })
})

it('whatever fails in between, the store ends with the last value of each key', async () => {
  const step = fc.oneof(
    fc.record({ key: fc.constantFrom('a', 'b', 'c'), value: fc.option(fc.string(), { nil: undefined }) }),
    fc.record({ failing: fc.boolean() }),
    fc.record({ waitMs: fc.integer({ min: 1, max: 5000 }) })
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { store, changes, pass } = writeBehind()
      const wanted = new Map<string, string>()
      for (const one of steps) {
        if ('failing' in one) store.error = one.failing ? full : undefined
        else if ('waitMs' in one) await pass(one.waitMs)
        else {
          const { key, value } = one
          changes.changed(key, () => (value === undefined ? undefined : text(value)))
          if (value === undefined) wanted.delete(key)
          else wanted.set(key, value)
        }
      }
      store.error = undefined
      await changes.close()
      expect(store.entries).toEqual(wanted)
      expect(store.mostAtOnce).toBeLessThanOrEqual(1)
    })
  )
})
