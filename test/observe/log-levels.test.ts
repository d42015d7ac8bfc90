import { describe, expect, it } from 'vitest'
import type { LogLevel } from '../../src/config/index.ts'
import { LogLevels } from '../../src/observe/log-levels.ts'
import { collectedLog } from '../support/log.ts'

function setUp(level: LogLevel, libp2p: LogLevel) {
  const { logger, lines } = collectedLog()
  logger.level = level
  const libraries = { level: libp2p }
  const levels = new LogLevels(logger, libraries)
  return { levels, said: () => lines.map(({ text }) => text) }
}

describe('the levels', () => {
  it('change at once, and the log says so', () => {
    const { levels, said } = setUp('info', 'info')
    levels.set({ level: 'trace' })
    levels.set({ libp2p: 'debug' })
    expect(levels.current).toEqual({ level: 'trace', libp2p: 'debug' })
    expect(said()).toEqual(['Log level: trace, of the libraries: info', 'Log level: trace, of the libraries: debug'])
  })

  it('are said when either of the two lets it', () => {
    const { levels, said } = setUp('info', 'info')
    levels.set({ level: 'error' })
    levels.set({ level: 'fatal' })
    levels.set({ level: 'info' })
    expect(said()).toEqual(['Log level: error, of the libraries: info', 'Log level: info, of the libraries: info'])
  })

  it.each<[LogLevel, LogLevel, string[]]>([
    ['info', 'info', ['debug info', 'debug debug', 'info info', 'debug info']],
    ['error', 'warn', ['debug warn', 'debug debug', 'error warn']],
    ['debug', 'info', ['debug debug', 'debug info']],
    ['info', 'trace', ['debug trace', 'info trace']],
    ['debug', 'debug', ['info info', 'debug info', 'debug debug', 'info info']]
  ])('cycle from %s and %s through more and back', (level, libp2p, expected) => {
    const { levels } = setUp(level, libp2p)
    const seen = expected.map(() => {
      levels.cycle()
      return `${levels.current.level} ${levels.current.libp2p}`
    })
    expect(seen).toEqual(expected)
  })
})
