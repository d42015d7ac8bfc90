import { describe, expect, it } from 'vitest'
import { focusedBytes } from '../../../bench/soak/profiles.ts'
import { verdict } from '../../../bench/soak/verdict.ts'

describe('the verdict of the soak', () => {
  const first = { heapUsed: 1_000_000, external: 500_000, departed: 1_000 }

  it('is the growth of heap and external memory for each peer that left since the first reading', () => {
    const last = { heapUsed: 1_150_000, external: 550_000, departed: 2_000 }
    expect(verdict(first, last, 201)).toEqual({ bytesPerPeer: 200, passed: true })
  })

  it('fails at the bound, whichever memory it is', () => {
    const heap = { heapUsed: 1_200_000, external: 500_000, departed: 2_000 }
    const external = { heapUsed: 1_000_000, external: 700_000, departed: 2_000 }
    expect(verdict(first, heap, 200).passed).toBe(false)
    expect(verdict(first, external, 200).passed).toBe(false)
  })
})

describe('the sum of a focused profile', () => {
  const top = (sum: string) =>
    `File: node\nType: inuse_space\nShowing nodes accounting for ${sum}, 1.5% of 34603008B total\n`

  it('is what pprof prints, less when memory went', () => {
    expect(focusedBytes(top('528041B'))).toBe(528_041)
    expect(focusedBytes(top('-524288B'))).toBe(-524_288)
    expect(focusedBytes(top('0'))).toBe(0)
  })

  it('is never taken for 0 when there is none', () => {
    expect(() => focusedBytes('nothing')).toThrow(/no sum/)
  })
})
