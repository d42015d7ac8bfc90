import { describe, expect, it } from 'vitest'
import type { Stack } from '../../../src/observe/profiles/frame.ts'
import type { HeapEngine, YoungSpace } from '../../../src/observe/profiles/heap-engine.ts'
import { HeapSampler, type SamplerClock } from '../../../src/observe/profiles/heap-sampler.ts'
import type { LiveSample } from '../../../src/observe/profiles/heap-samples.ts'

const MIB = 1024 * 1024

function stack(name: string): Stack {
  return [{ name, url: 'file:///x.js', line: 1, column: 1 }]
}

/** A heap whose allocations and collections a test writes down. */
class ScriptedEngine implements HeapEngine {
  readonly intervalBytes = 512 * 1024
  youngSpace: YoungSpace = { usedBytes: 0, capacityBytes: 16 * MIB }
  live: LiveSample[] = []
  reads = 0
  stopped = false
  onRead: () => void = () => {}
  #ordinal = 0

  allocate(name: string, samples: number): void {
    for (let i = 0; i < samples; i++) {
      this.live.push({ ordinal: ++this.#ordinal, stack: stack(name), objects: 512, bytes: this.intervalBytes })
    }
    const usedBytes = this.youngSpace.usedBytes + samples * this.intervalBytes
    this.youngSpace = { ...this.youngSpace, usedBytes }
  }

  scavenge(survives: (sample: LiveSample) => boolean = () => false): void {
    this.live = this.live.filter(survives)
    this.youngSpace = { ...this.youngSpace, usedBytes: 0 }
  }

  read(afterOrdinal: number): LiveSample[] {
    this.reads++
    this.onRead()
    return this.live.filter(({ ordinal }) => ordinal > afterOrdinal)
  }

  young(): YoungSpace {
    return this.youngSpace
  }

  async collectGarbage(): Promise<void> {
    this.scavenge()
  }

  stop(): void {
    this.stopped = true
  }
}

class SimulatedClock implements SamplerClock {
  #now = 0
  #next: { at: number; fn: () => void } | undefined

  get pending(): boolean {
    return this.#next !== undefined
  }

  now(): number {
    return this.#now
  }

  after(ms: number, fn: () => void): () => void {
    this.#next = { at: this.#now + ms, fn }
    return () => {
      this.#next = undefined
    }
  }

  advance(ms: number): void {
    const end = this.#now + ms
    while (this.#next !== undefined && this.#next.at <= end) {
      const { at, fn } = this.#next
      this.#next = undefined
      this.#now = at
      fn()
    }
    this.#now = end
  }

  /** Time that a piece of work takes: no timer fires in it. */
  spend(ms: number): void {
    this.#now += ms
  }
}

function start(maxStacks?: number) {
  const engine = new ScriptedEngine()
  const clock = new SimulatedClock()
  const errors: unknown[] = []
  const sampler = new HeapSampler(engine, (error) => errors.push(error), clock, maxStacks)
  return { engine, clock, sampler, errors }
}

function bytesOf(rows: readonly { stack: Stack; bytes: number }[], name: string): number {
  return rows.filter((row) => row.stack[0]?.name === name).reduce((sum, { bytes }) => sum + bytes, 0)
}

describe('the heap sampler', () => {
  it('reads before the young space is collected, and counts what dies after that', async () => {
    const { engine, clock, sampler } = start()
    for (let cycle = 0; cycle < 10; cycle++) {
      for (let step = 0; step < 30; step++) {
        engine.allocate('garbage', 1)
        clock.advance(100)
      }
      engine.scavenge()
    }
    const { live, allocated, counts } = await sampler.read({ gc: false })
    expect(live).toEqual([])
    expect(counts.seen + counts.unseen).toBeGreaterThan(290) // those after the last read leave no gap yet
    expect(counts.seen).toBeGreaterThan(250)
    expect(bytesOf(allocated, 'garbage')).toBe(counts.seen * engine.intervalBytes)
  })

  it('reads nothing while nothing is allocated', () => {
    const { engine, clock } = start()
    clock.advance(24 * 3600 * 1000)
    expect(engine.reads).toBe(0)
  })

  it('reads twice a minute while little is allocated', () => {
    const { engine, clock } = start()
    for (let minute = 0; minute < 10; minute++) {
      engine.allocate('slow', 1)
      clock.advance(60_000)
    }
    expect(engine.reads).toBeGreaterThanOrEqual(10)
    expect(engine.reads).toBeLessThanOrEqual(20)
  })

  it('accounts for what was collected before it was seen', async () => {
    const { engine, sampler } = start()
    engine.allocate('seen', 10)
    await sampler.read({ gc: false })
    engine.allocate('never seen', 20)
    engine.scavenge()
    engine.allocate('seen', 1)
    const { allocated, counts } = await sampler.read({ gc: false })
    expect(counts).toEqual({ seen: 11, unseen: 20 })
    expect(bytesOf(allocated, 'seen')).toBe(11 * engine.intervalBytes)
    expect(bytesOf(allocated, '[collected before it was seen]')).toBe(20 * engine.intervalBytes)
    expect(bytesOf(allocated, 'never seen')).toBe(0)
  })

  it('never lowers a figure when the mean falls', async () => {
    const { engine, sampler } = start()
    engine.allocate('x', 1)
    engine.live = engine.live.map((sample) => ({ ...sample, bytes: 100 * MIB }))
    await sampler.read({ gc: false })
    engine.allocate('lost', 10)
    engine.scavenge()
    engine.allocate('x', 1)
    const before = await sampler.read({ gc: false })
    expect(bytesOf(before.allocated, '[collected before it was seen]')).toBeGreaterThan(10 * MIB)
    engine.allocate('x', 100)
    const after = await sampler.read({ gc: false })
    for (const { stack, bytes } of before.allocated) {
      expect(bytesOf(after.allocated, stack[0]!.name)).toBeGreaterThanOrEqual(bytes)
    }
  })

  it('counts a sample once, however often it is read', async () => {
    const { engine, sampler } = start()
    engine.allocate('held', 5)
    for (let i = 0; i < 5; i++) await sampler.read({ gc: false })
    const { live, allocated } = await sampler.read({ gc: false })
    expect(live).toHaveLength(5)
    expect(bytesOf(allocated, 'held')).toBe(5 * engine.intervalBytes)
  })

  it('sees what a collection on demand takes', async () => {
    const { engine, sampler } = start()
    engine.allocate('garbage', 7)
    const { live, allocated } = await sampler.read({ gc: true })
    expect(live).toEqual([])
    expect(bytesOf(allocated, 'garbage')).toBe(7 * engine.intervalBytes)
  })

  it('spends at most a fiftieth of the time on reading, however costly a read is', () => {
    const { engine, clock } = start()
    engine.onRead = () => clock.spend(50)
    const began = clock.now()
    for (let i = 0; i < 2000; i++) {
      engine.allocate('flood', 20)
      if (engine.youngSpace.usedBytes >= 16 * MIB) engine.scavenge()
      clock.advance(20)
    }
    expect(engine.reads).toBeGreaterThan(1)
    expect((engine.reads - 1) * 50).toBeLessThanOrEqual((clock.now() - began) / 50)
  })

  it('keeps a bounded number of stacks and adds up the rest', async () => {
    const { engine, sampler } = start(10)
    for (let i = 0; i < 100; i++) engine.allocate(`f${i}`, 1)
    const { allocated } = await sampler.read({ gc: false })
    expect([sampler.ledger.size, sampler.ledger.frames]).toEqual([10, 10])
    expect(allocated).toHaveLength(11)
    expect(bytesOf(allocated, '[other]')).toBe(90 * engine.intervalBytes)
    engine.allocate('f3', 1) // one that is held grows on
    expect(bytesOf((await sampler.read({ gc: false })).allocated, 'f3')).toBe(2 * engine.intervalBytes)
  })

  it('ends its looks at the first error, and says so', () => {
    const { engine, clock, errors } = start()
    engine.onRead = () => {
      throw new Error('no profile')
    }
    engine.allocate('x', 30)
    clock.advance(10_000)
    expect(errors).toHaveLength(1)
    expect(clock.pending).toBe(false)
  })

  it('leaves no timer when it is stopped', () => {
    const { engine, clock, sampler } = start()
    expect(clock.pending).toBe(true)
    sampler.stop()
    expect([clock.pending, engine.stopped]).toEqual([false, true])
  })
})
