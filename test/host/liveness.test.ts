import { beforeEach, describe, expect, it } from 'vitest'
import { answerWithinMs, Liveness, type Pingable, pingIntervalMs } from '../../src/host/liveness.ts'
import { SimulatedClock } from '../support/clock.ts'

class FakeMuxer implements Pingable {
  pings = 0
  aborted: Error | undefined
  alive = true

  ping(): void {
    this.pings++
    if (this.alive) queueMicrotask(() => liveness.heard(this))
  }

  abort(error: Error): void {
    this.aborted = error
  }
}

let clock: SimulatedClock
let liveness: Liveness
/** Moves the clock in steps, so that answers arrive in between. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) {
    clock.advance(1000)
    await Promise.resolve()
  }
}

beforeEach(() => {
  clock = new SimulatedClock()
  liveness = new Liveness(clock)
})

describe('Liveness', () => {
  it('closes a peer that does not answer, within 45 s of its last sign', async () => {
    const muxer = new FakeMuxer()
    liveness.watch(muxer)
    await pass(pingIntervalMs * 3)
    muxer.alive = false
    await pass(pingIntervalMs + answerWithinMs + 2_000)
    expect(muxer.aborted?.message).toMatch(/has not answered a ping for 10000 ms/)
    expect(pingIntervalMs + answerWithinMs + 2_000).toBeLessThan(45_000)
    expect(liveness.watched).toBe(0)
  })

  it('leaves a peer that answers, for days', async () => {
    const muxer = new FakeMuxer()
    liveness.watch(muxer)
    await pass(3_600_000)
    expect(muxer.aborted).toBeUndefined()
    expect(muxer.pings).toBeGreaterThanOrEqual(3_600_000 / (pingIntervalMs + 2000))
    expect(muxer.pings).toBeLessThanOrEqual(3_600_000 / pingIntervalMs)
  })

  it('never pings all at once: each on the beat of its coming', async () => {
    const muxers = Array.from({ length: 20 }, () => new FakeMuxer())
    for (const muxer of muxers) {
      liveness.watch(muxer)
      await pass(1_000)
    }
    let worst = 0
    for (let second = 0; second < 60; second++) {
      const before = muxers.reduce((sum, { pings }) => sum + pings, 0)
      await pass(1_000)
      worst = Math.max(worst, muxers.reduce((sum, { pings }) => sum + pings, 0) - before)
    }
    expect(worst).toBeLessThanOrEqual(2)
  })

  it('has one timer while there is somebody, and none else', async () => {
    const muxers = [new FakeMuxer(), new FakeMuxer()]
    for (const muxer of muxers) liveness.watch(muxer)
    expect(clock.pending).toBe(1)
    await pass(pingIntervalMs * 2)
    expect(clock.pending).toBe(1)
    for (const muxer of muxers) liveness.forget(muxer)
    expect([clock.pending, liveness.watched]).toEqual([0, 0])
    liveness.watch(muxers[0]!)
    expect(clock.pending).toBe(1)
  })
})
