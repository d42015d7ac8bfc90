import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { eventLimits, LogFlood, peerLimits } from '../../src/observe/log-flood.ts'
import { SimulatedClock } from '../support/clock.ts'

const [debug, info, warn, fatal] = [20, 30, 40, 60] as const

function setUp() {
  const clock = new SimulatedClock()
  const reports: Array<[string, number]> = []
  const flood = new LogFlood(clock, (text, level) => void reports.push([text, level]))
  const admitted = (texts: readonly string[], level: number) => texts.filter((text) => flood.admits(text, level)).length
  return { clock, reports, flood, admitted }
}

const many = (count: number, text: (i: number) => string) => Array.from({ length: count }, (_, i) => text(i))
const connected = (i: number) => `Bootstrap Peer connected: 12D3KooWab${i}cd, Addr: /ip4/10.0.0.${i}/tcp/4001`

describe('a flood', () => {
  it('of one text is cut, and told when the window is over', () => {
    const { clock, reports, flood, admitted } = setUp()
    expect(
      admitted(
        many(1_000, (i) => `peer 12D3KooW${i} sent nonsense`),
        warn
      )
    ).toBe(eventLimits.lines)
    clock.advance(eventLimits.windowMs - 1)
    expect(reports).toEqual([])
    clock.advance(1)
    expect(reports).toEqual([['Log lines left out: 980 like "peer * sent nonsense" within 60 s', warn]])
    expect(flood.linesLeftOut).toBe(980)
    expect(admitted(['peer 12D3KooWx sent nonsense'], warn)).toBe(1)
  })

  it('of one text takes nothing from another', () => {
    const { admitted } = setUp()
    admitted(
      many(1_000, (i) => `the disk failed ${i} times`),
      warn
    )
    expect(admitted(['the disk is full'], warn)).toBe(1)
  })

  it('of connections is logged up to some hundred a second, asked for at debug or at info', () => {
    for (const level of [debug, info]) {
      const { clock, reports, admitted } = setUp()
      expect(admitted(many(1_000, connected), level)).toBe(peerLimits.lines)
      clock.advance(peerLimits.windowMs)
      expect(reports).toEqual([
        ['Log lines left out: 700 like "Bootstrap Peer connected: * Addr: *" within 1 s', level]
      ])
      expect(admitted(many(1_000, connected), level)).toBe(peerLimits.lines)
    }
  })

  it('of texts that all differ costs a bounded memory', () => {
    const { clock, reports, flood, admitted } = setUp()
    const words = many(
      10_000,
      (i) => `word${'x'.repeat(i % 100)}${String.fromCharCode(97 + (i % 26))} ${'y'.repeat(i % 83)}`
    )
    const written = admitted(words, info) + admitted(words, debug)
    const most = eventLimits.texts + peerLimits.texts
    expect(flood.texts).toBeLessThanOrEqual(most + 2)
    expect(written + flood.linesLeftOut).toBe(20_000)
    clock.advance(eventLimits.windowMs)
    expect(flood.texts).toBe(0)
    expect(clock.pending).toBe(0)
    expect(reports.some(([text]) => text.includes('like "other texts"'))).toBe(true)
  })

  it('is told at the end of the process too', () => {
    const { clock, reports, flood, admitted } = setUp()
    admitted(
      many(21, () => 'again'),
      info
    )
    flood.flush()
    expect(reports).toEqual([['Log lines left out: 1 like "again" within 60 s', info]])
    expect(clock.pending).toBe(0)
  })
})

it('costs no line, no report and no timer where none is', () => {
  const { clock, reports, admitted } = setUp()
  expect(
    admitted(
      many(20, () => 'again'),
      info
    )
  ).toBe(20)
  clock.advance(eventLimits.windowMs)
  expect([reports, clock.pending]).toEqual([[], 0])
})

describe('never left out is', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const [, section = ''] = readme.split('\n## The log\n')
  const promises = [...(section.split('\n## ')[0] ?? '').matchAll(/^\| (`.+?) \|/gm)]
    .flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text))
    .filter((text) => /^[A-Zt]/.test(text) && !text.startsWith('Bootstrap Peer '))

  it('read from the README', () => expect(promises.length).toBeGreaterThan(12))

  it.each(promises)('%s', (promise) => {
    const { admitted } = setUp()
    expect(
      admitted(
        many(1_000, (i) => promise.replace(/[<…].*/, String(i))),
        warn
      )
    ).toBe(1_000)
  })

  it('what ends the process', () => {
    const { admitted } = setUp()
    expect(
      admitted(
        many(100, () => 'uncaught error'),
        fatal
      )
    ).toBe(100)
  })
})
