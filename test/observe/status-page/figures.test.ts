import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { figuresBetween } from '../../../src/observe/status-page/figures.ts'
import { difference, quantile } from '../../../src/observe/status-page/quantile.ts'
import { Reading } from '../../../src/observe/status-page/reading.ts'
import { healthy } from './metrics.ts'

const rpc = 'bootstrap_rpc_seconds'

describe('figures', () => {
  it('are the state of the later reading', () => {
    const figures = figuresBetween(new Reading(0, []), new Reading(60_000, healthy().json()))
    expect(figures).toMatchObject({
      connections: 40,
      inbound: 39,
      outbound: 1,
      peers: 39,
      bySecurity: { tls: 30, noise: 10 },
      lowWater: 50,
      highWater: 100,
      cap: 200,
      eventLoopDelaySeconds: 0.002,
      openFiles: 70,
      openFilesLimit: 1024
    })
  })

  it('have rates of what happened between two readings', () => {
    const before = new Reading(10_000, healthy().json())
    const after = healthy()
      .set('bootstrap_connections_opened_total', 130, { direction: 'inbound' })
      .set('bootstrap_refusals_total', 6, { reason: 'nobody-to-close' })
      .observe(rpc, { 0.001: 70 }, { type: 'FIND_NODE', result: 'ok' })
      .observe(rpc, { 0.001: 0, 0.1: 120 }, { type: 'ADD_PROVIDER', result: 'ok' })
      .observe(rpc, { 0.001: 30 }, { type: 'ADD_PROVIDER', result: 'refused' })
    const figures = figuresBetween(before, new Reading(70_000, after.json()))
    expect(figures).toMatchObject({
      joinsPerSecond: 0.5,
      refusalsPerSecond: 0.1,
      leavesPerSecond: 0,
      rpcPerSecond: 3.5
    })
    expect(figures.rpcs).toEqual([
      {
        type: 'ADD_PROVIDER',
        perSecond: 2.5,
        failedPerSecond: 0.5,
        p50Seconds: expect.any(Number),
        p99Seconds: expect.any(Number)
      },
      { type: 'FIND_NODE', perSecond: 1, failedPerSecond: 0, p50Seconds: 0.0005, p99Seconds: 0.00099 }
    ])
  })

  it('do not know a rate from one reading', () => {
    const only = new Reading(0, healthy().json())
    expect(figuresBetween(only, only)).toMatchObject({
      joinsPerSecond: null,
      rpcPerSecond: null,
      cpuShare: null,
      rpcs: []
    })
  })

  it('take a counter that fell for one that began anew', () => {
    const before = healthy().set('bootstrap_evictions_total', 1_000, { reason: 'trim' })
    const after = healthy().set('bootstrap_evictions_total', 20, { reason: 'trim' })
    const figures = figuresBetween(new Reading(0, before.json()), new Reading(10_000, after.json()))
    expect(figures.evictionsPerSecond).toBe(2)
  })

  it('come from nothing without an error', () => {
    const figures = figuresBetween(new Reading(0, []), new Reading(1_000, []))
    expect(figures).toMatchObject({ connections: 0, eventLoopDelaySeconds: null, rpcP99Seconds: null })
  })
})

describe('a quantile', () => {
  it('lies evenly within its bucket', () => {
    expect(
      quantile(
        new Map([
          [1, 0],
          [2, 10],
          [Number.POSITIVE_INFINITY, 0]
        ]),
        0.5
      )
    ).toBe(1.5)
  })

  it('is the highest bound when it is beyond all', () => {
    expect(
      quantile(
        new Map([
          [1, 1],
          [Number.POSITIVE_INFINITY, 99]
        ]),
        0.99
      )
    ).toBe(1)
  })

  it('is not known of nothing', () => {
    expect(quantile(new Map([[1, 0]]), 0.5)).toBeUndefined()
  })

  it('is within a bucket of the true one', () => {
    const bounds = [0.001, 0.01, 0.1, 1, 10]
    const values = fc.array(fc.double({ min: 0.00001, max: 9.9, noNaN: true }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(values, fc.constantFrom(0.5, 0.9, 0.99), (observed, share) => {
        const buckets = new Map(
          bounds.map((bound, i) => [bound, observed.filter((v) => v <= bound && v > (bounds[i - 1] ?? 0)).length])
        )
        const sorted = observed.toSorted((a, b) => a - b)
        const exact = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
        const upper = bounds.find((bound) => exact <= bound) ?? 10
        const lower = bounds[bounds.indexOf(upper) - 1] ?? 0
        const found = quantile(buckets, share) ?? Number.NaN
        expect(found).toBeGreaterThanOrEqual(lower * (1 - 1e-9))
        expect(found).toBeLessThanOrEqual(upper * (1 + 1e-9))
      })
    )
  })

  it('is of the difference alone', () => {
    const before = new Map([
      [1, 1_000],
      [2, 0]
    ])
    const after = new Map([
      [1, 1_000],
      [2, 10]
    ])
    expect(quantile(difference(before, after), 0.5)).toBe(1.5)
  })
})
