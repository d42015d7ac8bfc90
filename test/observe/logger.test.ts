import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { lines, Output, reportOn } from '../../src/observe/logger.ts'

const faked = '[2026-11-23T00:00:00.000Z] FATAL: faked'

describe('a line', () => {
  function printed(colorize: boolean) {
    const written: string[] = []
    const logger = pino({ base: null }, lines({ write: (line) => written.push(line) }, colorize))
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

describe('an output', () => {
  it('has written every line when it is drained', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'output-')), 'out')
    const fd = openSync(path, 'a')
    const output = new Output(fd)
    const all = Array.from({ length: 20_000 }, (_, i) => `line ${i} é\n`)
    for (const line of all) output.write(line)
    await output.drained()
    closeSync(fd)
    expect(readFileSync(path, 'utf8')).toBe(all.join(''))
  })

  it('gives up what cannot be written', async () => {
    const fd = openSync('/dev/full', 'a')
    const output = new Output(fd)
    output.write('one\n')
    output.write('two\n')
    await output.drained()
    output.flushSync()
    closeSync(fd)
  })

  it('keeps a bounded amount for a full pipe, does not wait for it, and says what it left out', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'output-')), 'pipe')
    execFileSync('mkfifo', [path])
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    const output = new Output(fd, 200_000)
    const line = `${'x'.repeat(999)}\n`
    for (let i = 0; i < 1000; i++) output.write(line)
    const drained = output.drained()
    let text = ''
    const buffer = Buffer.alloc(1 << 20)
    const reader = setInterval(() => {
      try {
        text += buffer.toString('utf8', 0, readSync(fd, buffer))
      } catch {
        // empty
      }
    }, 5)
    await drained
    clearInterval(reader)
    try {
      text += buffer.toString('utf8', 0, readSync(fd, buffer))
    } catch {
      // empty
    }
    closeSync(fd)
    const [, missing] = text.match(/^(\d+) log lines were left out: standard output did not take them$/m)!
    expect(text.split(line).length - 1 + Number(missing)).toBe(1000)
    expect(output.linesLeftOut).toBe(Number(missing))
  })
})

it('that the file cannot be written is said once a minute', () => {
  let nowMs = 0
  const said: string[] = []
  const report = reportOn({ write: (line) => said.push(line) }, () => nowMs)
  report(new Error('no space\nleft'))
  nowMs = 59_999
  report(new Error('no space'))
  expect(said).toEqual(['LOG_FILE cannot be written: no space\\nleft\n'])
  nowMs = 60_000
  report(new Error('no space'))
  expect(said).toHaveLength(2)
})
