import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { logFormat } from '../../src/observe/log-format.ts'

const faked = '[2026-11-23T00:00:00.000Z] FATAL: faked'

describe('a line for people', () => {
  function printed(colorize: boolean) {
    const written: string[] = []
    const format = logFormat('text', colorize)
    const logger = pino({ base: null, ...format.record }, { write: (record) => written.push(format.line(record)) })
    return { logger, text: () => written.join('') }
  }

  it.each([false, true])('is one, whatever the message and the fields hold (colours: %s)', (colorize) => {
    const { logger, text } = printed(colorize)
    const nasty = `a\n${faked}\r\u0085\u2028\u2029\u009b2K\u007f`
    logger.info({ field: nasty, deep: { list: [nasty] } }, nasty)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours
    const plain = text().replace(/\u001b\[\d+m/g, '')
    const shown = `a\\n${faked}\\r\\x85\\u2028\\u2029\\x9b2K\\x7f`
    expect(plain).toMatch(/^\[[^\]]+\] INFO: /)
    expect(plain).toContain(`INFO: ${shown} {"field":"${shown}","deep":{"list":["${shown}"]}}`)
    expect(plain.match(/[^ -~]/g)).toEqual(['\n'])
  })

  it('of a stack is indented', () => {
    const { logger, text } = printed(false)
    logger.fatal({ err: new Error(`defect\n${faked}\r\u001b[2K`) }, 'uncaught error')
    const [first, ...rest] = text().trimEnd().split('\n')
    expect(first).toMatch(/FATAL: uncaught error/)
    expect(rest.length).toBeGreaterThan(3)
    for (const line of rest) expect(line).toMatch(/^ {4}/)
    expect(text()).not.toMatch(/[^ -~\n]/)
  })
})

describe('a line of JSON', () => {
  const wallMs = Date.parse('2026-11-23T00:00:00.000Z')

  function printed(log: (logger: pino.Logger) => void): string {
    const written: string[] = []
    const format = logFormat('json', false)
    log(
      pino({ base: null, level: 'trace', ...format.record }, { write: (record) => written.push(format.line(record)) })
    )
    return written.join('')
  }

  it('has level, time and message in words, and the fields', () => {
    const line = printed((logger) => logger.warn({ peers: 3 }, 'Status: connected=3'))
    expect(line).toMatch(
      /^\{"level":"warn","time":"\d{4}-\d\d-\d\dT[\d:.]+Z","peers":3,"msg":"Status: connected=3"\}\n$/
    )
  })

  it('is one, whatever the message and the fields hold, and gives it back', () => {
    const nasty = `a\n${faked}\r\u0085\u2028\u2029\u009b2K\u007f"\\`
    const line = printed((logger) => logger.info({ field: nasty, deep: { list: [nasty] } }, nasty))
    expect(line.match(/[^ -~]/g)).toEqual(['\n'])
    expect(JSON.parse(line)).toMatchObject({ field: nasty, deep: { list: [nasty] }, msg: nasty })
  })

  it('of an error is one, with its stack', () => {
    const line = printed((logger) => logger.fatal({ err: new Error('defect') }, 'uncaught error'))
    expect(line.match(/\n/g)).toHaveLength(1)
    expect(JSON.parse(line).err).toMatchObject({
      type: 'Error',
      message: 'defect',
      stack: expect.stringContaining('at ')
    })
  })

  it('is what the log says of itself too', () => {
    const line = logFormat('json', false, () => wallMs).notice('3 log lines were left out\u009b')
    expect(line).toBe('{"level":"warn","time":"2026-11-23T00:00:00.000Z","msg":"3 log lines were left out\\u009b"}\n')
  })
})
