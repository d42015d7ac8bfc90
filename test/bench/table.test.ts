import { describe, expect, it } from 'vitest'
import { ratioChart } from '../../bench/chart.ts'
import type { Circumstances } from '../../bench/machine.ts'
import { sentence } from '../../bench/machine.ts'
import { withTable } from '../../bench/publish.ts'
import { comparisonTable, ratios } from '../../bench/table.ts'

const medians = {
  Go: { joinTls: 1.5, findNodeRate: 20_000, leaveTls: 0 },
  ours: { joinTls: 3, findNodeRate: 10_000, leaveTls: 0.5, heap500Tls: 12.34 }
}

const about: Circumstances = {
  date: '2026-01-02',
  cpu: 'A CPU',
  cores: 2,
  memoryGB: 8,
  go: '1.25',
  goLibp2p: '0.43.0',
  kadDht: '0.34.0',
  rounds: 3
}

const cells = (line: string) => line.split('|').map((cell) => cell.trim())

describe('the table', () => {
  const lines = comparisonTable(medians, 'Go').split('\n')
  const row = (label: string, unit: string) => lines.map(cells).find((row) => row[1] === label && row[2] === unit)

  it('has a ratio that grows with the cost, for rates too', () => {
    expect(row('join, TLS, 2,000', 'ms CPU')?.slice(3, 6)).toEqual(['1.50', '3.00', '2.00'])
    expect(row('FIND_NODE', 'answers/s')?.slice(3, 6)).toEqual(['20,000', '10,000', '2.00'])
  })

  it('says nothing where nothing was measured, and makes no ratio of 0', () => {
    expect(row('heap a connection after GC, TLS, 500', 'KB')?.slice(3, 6)).toEqual(['–', '12.3', '–'])
    expect(row('disconnect, TLS', 'ms CPU')?.slice(3, 6)).toEqual(['0.00', '0.50', '–'])
    expect(lines).toHaveLength(2 + 4)
  })
})

describe('the README', () => {
  it('keeps everything but what is between the markers', () => {
    const text = 'before\n<!-- bench -->\nold $1\n<!-- /bench -->\nafter\n'
    const changed = withTable(text, 'new $& table', about)
    expect(changed).toBe(`before\n<!-- bench -->\n${sentence(about)}\n\nnew $& table\n<!-- /bench -->\nafter\n`)
  })

  it('without markers is not written', () => {
    expect(() => withTable('text', 'table', about)).toThrow(/bench/)
  })
})

it('draws a bar for each ratio', async () => {
  const all = ratios(medians, 'Go')
  expect(all.map(({ ratio }) => ratio)).toEqual([2, 2])
  const svg = await ratioChart(all)
  expect(svg).toMatch(/^<svg /)
  expect(svg.match(/aria-roledescription="bar"/g)).toHaveLength(2)
  expect(svg).toContain('join, TLS, 2,000 (ms CPU)')
})
