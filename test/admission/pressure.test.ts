import * as fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  criticalShare,
  grownShare,
  highShare,
  type Load,
  lowShare,
  Pressure,
  stepMs,
  tryMs
} from '../../src/admission/pressure.ts'

const maxConnections = 1_000
const relaxed: Load = { connections: 800, memory: 0.5, heap: 0.5, isOutOfFiles: false }
const looks = 1_000

let pressure: Pressure
let nowMs: number
beforeEach(() => {
  pressure = new Pressure(maxConnections)
  nowMs = 0
})

function look(load: Partial<Load>, afterMs = looks) {
  nowMs += afterMs
  return pressure.look({ ...relaxed, ...load }, nowMs)
}

it('changes nothing while there is enough of everything', () => {
  expect(look({ memory: 0.89, heap: 0.89 })).toEqual({ ceiling: Number.POSITIVE_INFINITY, refusing: false })
})

describe.each(['memory', 'heap'] as const)('short of %s', (what) => {
  it('nobody is added and a few are closed', () => {
    expect(look({ [what]: highShare })).toEqual({ ceiling: 760, refusing: false, shortage: what })
  })

  it('what does not grow is let be: freed memory is seldom given back', () => {
    const { ceiling } = look({ [what]: 0.92 })
    for (let i = 0; i < 100; i++) expect(look({ [what]: 0.92, connections: ceiling }).ceiling).toBe(ceiling)
  })

  it('what grows on costs more of them, but not before the first step can have had its effect', () => {
    look({ [what]: 0.92 })
    const grown = { [what]: 0.92 + grownShare, connections: 760 }
    expect(look(grown).ceiling).toBe(760)
    expect(look(grown, stepMs).ceiling).toBe(722)
  })

  it('at the last moment each growth costs some at once, and nobody is let in for a while', () => {
    expect(look({ [what]: criticalShare })).toMatchObject({ ceiling: 720, refusing: true })
    expect(look({ [what]: criticalShare, connections: 720 })).toMatchObject({ ceiling: 720, refusing: true })
    expect(look({ [what]: criticalShare + 0.01, connections: 720 })).toMatchObject({ ceiling: 648, refusing: true })
    expect(look({ [what]: criticalShare + 0.01, connections: 648 }, stepMs)).toMatchObject({
      ceiling: 648,
      refusing: false
    })
    expect(look({ [what]: highShare, connections: 648 })).toMatchObject({ ceiling: 648, refusing: false })
  })

  it('from high to critical is answered at once', () => {
    expect(look({ [what]: highShare }).ceiling).toBe(760)
    expect(look({ [what]: criticalShare, connections: 760 }).ceiling).toBe(684)
  })

  it('what has not grown for minutes may be free within the process: some more are let in, and go if it grows', () => {
    const { ceiling } = look({ [what]: 0.92 })
    expect(look({ [what]: 0.92, connections: ceiling }, tryMs - 1).ceiling).toBe(ceiling)
    expect(look({ [what]: 0.92, connections: ceiling }, 1).ceiling).toBe(ceiling + maxConnections * 0.05)
    expect(look({ [what]: 0.935, connections: 800 }, stepMs).ceiling).toBe(760)
  })

  it('when it is over they are let in again, a few at a time', () => {
    const { ceiling } = look({ [what]: highShare })
    expect(look({ [what]: lowShare }, stepMs).ceiling).toBe(ceiling)
    expect(look({ [what]: lowShare - 0.01 }).ceiling).toBe(ceiling + maxConnections * 0.05)
    expect(look({ [what]: 0.5 }).ceiling).toBe(ceiling + maxConnections * 0.05)
    for (let i = 0; i < 10; i++) look({ [what]: 0.5 }, stepMs)
    expect(look({})).toEqual({ ceiling: Number.POSITIVE_INFINITY, refusing: false })
  })
})

it('out of files: some are closed and nobody is let in, until there are files again, whatever the memory', () => {
  expect(look({ isOutOfFiles: true })).toEqual({ ceiling: 760, refusing: true, shortage: 'files' })
  expect(look({ memory: 0.85 }, stepMs)).toMatchObject({ ceiling: 810, refusing: false })
})

it('when it was not connections that took the files, it is over as soon as there are some', () => {
  look({ isOutOfFiles: true, connections: 10 })
  expect(look({ connections: 10 }, stepMs).shortage).toBeUndefined()
})

it('when memory is short as well, it goes on with that', () => {
  look({ isOutOfFiles: true, connections: 10, memory: highShare })
  expect(look({ connections: 10, memory: highShare }, stepMs)).toMatchObject({
    ceiling: maxConnections * 0.05,
    shortage: 'memory'
  })
})

it('is not over as long as something is short, however many were let in again', () => {
  look({ memory: highShare })
  for (let i = 0; i < 10; i++) expect(look({ memory: highShare }, tryMs).shortage).toBe('memory')
})

it('some are always kept, even if others have taken all the memory', () => {
  for (let i = 0; i < 100; i++) look({ memory: 1, connections: 10 })
  expect(look({ memory: 1, connections: 10 }).ceiling).toBe(maxConnections * 0.05)
})

it('lets nobody be added while something is short, and everybody in once nothing has been for long', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  const load = fc.record({
    connections: fc.nat(maxConnections),
    memory: share,
    heap: share,
    isOutOfFiles: fc.boolean()
  })
  fc.assert(
    fc.property(fc.array(load, { maxLength: 50 }), (loads) => {
      const policy = new Pressure(maxConnections)
      let ms = 0
      for (const one of loads) {
        ms += looks
        const { ceiling } = policy.look(one, ms)
        const isShort = one.isOutOfFiles || Math.max(one.memory, one.heap) >= highShare
        if (isShort) expect(ceiling).toBeLessThan(Number.POSITIVE_INFINITY)
      }
      for (let i = 1; i <= 20; i++) policy.look(relaxed, ms + i * stepMs)
      expect(policy.look(relaxed, ms + 21 * stepMs).shortage).toBeUndefined()
    })
  )
})
