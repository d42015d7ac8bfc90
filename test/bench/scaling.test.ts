import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { costs, federationTable, loadTable, nodeLoad } from '../../bench/scaling.ts'
import { settings } from '../../src/config/settings.ts'
import { maxMembers } from '../../src/federation/members.ts'
import { maxListed } from '../../src/rendezvous/listing.ts'

const doc = readFileSync(new URL('../../docs/scaling.md', import.meta.url), 'utf8')
const section = (name: string) => doc.match(new RegExp(`<!-- ${name} -->\n([^]*?)\n<!-- /${name} -->`))?.[1]

describe('docs/scaling.md', () => {
  it('has the tables that the arithmetic gives', () => {
    expect(section('load')).toBe(loadTable())
    expect(section('load-100')).toBe(loadTable(100))
    expect(section('nodes')).toBe(federationTable(100_000))
  })

  it('speaks of the limits that the code has', () => {
    expect(costs.maxListed).toBe(maxListed)
    expect(maxMembers).toBe(20)
    expect(nodeLoad(100_000).records).toBeLessThanOrEqual(Number(settings.PROVIDER_MAX_RECORDS.fallback))
    expect(Number(settings.PROVIDER_MAX_PER_KEY.fallback)).toBe(100_000)
  })
})

describe('what a node carries', () => {
  it('is, for 10,000 clients, what can be reckoned by hand', () => {
    expect(nodeLoad(10_000)).toMatchObject({ connections: 10_000, records: 30_000, getsPerS: 1_000, renewalsPerS: 100 })
    // 1,000 × 0.59 ms + 100 × 0.24 ms + 0.06
    expect(nodeLoad(10_000).cores).toBeCloseTo(0.674)
    expect(nodeLoad(10_000).megabytesPerS).toBeCloseTo(90)
    expect(nodeLoad(10_000).tlsGb).toBeCloseTo(0.0848 + 0.62 + 0.005, 2)
  })

  it('grows with the square until an answer is full, and evenly from there', () => {
    const sent = (clients: number) => nodeLoad(clients).megabytesPerS
    expect(sent(400) / sent(200)).toBeCloseTo(4)
    expect(sent(40_000) / sent(20_000)).toBeCloseTo(2)
  })
})
