import { pino } from 'pino'
import { expect, it } from 'vitest'
import { logFormat } from '../../../src/observe/log-format.ts'
import { RecentWarnings } from '../../../src/observe/status-page/warnings.ts'

function setUp(format: 'text' | 'json' = 'text') {
  const warnings = new RecentWarnings()
  const options = { base: null, ...logFormat(format, false).record }
  const logger = pino(options, pino.multistream([{ stream: warnings, level: 'warn' }]))
  return { logger, warnings, texts: () => warnings.all.map(({ level, text, times }) => [level, text, times]) }
}

it.each(['text', 'json'] as const)('knows level and time in ms, the log being %s', (format) => {
  const { logger, warnings } = setUp(format)
  const beforeMs = Date.now()
  logger.warn('a warning')
  const [warning] = warnings.all
  expect(warning).toMatchObject({ level: 'warn', text: 'a warning' })
  expect(warning?.atMs).toBeGreaterThanOrEqual(beforeMs)
  expect(warning?.atMs).toBeLessThanOrEqual(Date.now())
})

it('has the newest first, and nothing below a warning', () => {
  const { logger, texts } = setUp()
  logger.info('a peer came')
  logger.warn('first')
  logger.error({ err: new Error('no space left') }, 'second')
  expect(texts()).toEqual([
    ['error', 'second (no space left)', 1],
    ['warn', 'first', 1]
  ])
})

it('counts equal ones in a row', () => {
  const { logger, texts } = setUp()
  for (let i = 0; i < 1_000; i++) logger.warn('again')
  logger.warn('other')
  expect(texts()).toEqual([
    ['warn', 'other', 1],
    ['warn', 'again', 1_000]
  ])
})

it('keeps 50 lines of 500 characters', () => {
  const { logger, texts } = setUp()
  for (let i = 0; i < 200; i++) logger.warn(`${i} ${'x'.repeat(10_000)}`)
  expect(texts()).toHaveLength(50)
  expect(texts()[0]?.[1]).toHaveLength(501)
})

it('shows what would start a line as an escape', () => {
  const { logger, texts } = setUp()
  logger.warn('a\nb\u001b[31m')
  expect(texts()).toEqual([['warn', 'a\\nb\\x1b[31m', 1]])
})
