import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Output } from '../../src/observe/output.ts'

const notice = (text: string) => `${text}\n`

describe('an output', () => {
  it('has written every line when it is drained', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'output-')), 'out')
    const fd = openSync(path, 'a')
    const output = new Output(fd, notice)
    const all = Array.from({ length: 20_000 }, (_, i) => `line ${i} é\n`)
    for (const line of all) output.write(line)
    await output.drained()
    closeSync(fd)
    expect(readFileSync(path, 'utf8')).toBe(all.join(''))
  })

  it('gives up what cannot be written', async () => {
    const fd = openSync('/dev/full', 'a')
    const output = new Output(fd, notice)
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
    const output = new Output(fd, notice, 200_000)
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
