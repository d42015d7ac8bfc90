import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Daemon } from '../support/daemon.ts'
import { freePort } from '../support/port.ts'

let daemon: Daemon | undefined
afterEach(async () => {
  if (daemon?.process.exitCode === null) daemon.process.kill('SIGKILL')
  await daemon?.ended()
})

function preload(source: string): { node: string[] } {
  const path = join(mkdtempSync(join(tmpdir(), 'preload-')), 'preload.mjs')
  writeFileSync(path, source)
  return { node: ['--import', path] }
}

/** Its standard output is of no use; the log file tells how far it is. */
async function started(env: Record<string, string>, source: string): Promise<{ node: Daemon; path: string }> {
  const path = join(mkdtempSync(join(tmpdir(), 'log-')), 'app.log')
  const node = new Daemon(['--port', String(await freePort())], { LOG_FILE: path, ...env }, preload(source))
  daemon = node
  return { node, path }
}

const until = (path: string, text: string) =>
  vi.waitFor(() => expect(readFileSync(path, 'utf8')).toContain(text), { timeout: 30_000 })

async function secondsToEnd(node: Daemon): Promise<{ code: unknown; seconds: number }> {
  const startedAt = performance.now()
  const code = await node.stop()
  return { code, seconds: (performance.now() - startedAt) / 1000 }
}

describe('stopping with a standard output that', () => {
  it('is full (a disk)', async () => {
    const { node, path } = await started(
      {},
      `import { closeSync, openSync } from 'node:fs'
      closeSync(1)
      if (openSync('/dev/full', 'a') !== 1) throw new Error('not standard output')`
    )
    await until(path, 'Bootstrap node started')
    const { code, seconds } = await secondsToEnd(node)
    expect(code).toBe(0)
    expect(seconds).toBeLessThan(8)
    expect(readFileSync(path, 'utf8')).toContain('Shutting down bootstrap node...')
  })

  it.each([
    ['SIGTERM once', 0],
    ['twice', 1]
  ])('is a pipe that nobody reads: %s', async (_what, expected) => {
    const { node, path } = await started(
      { LOG_LEVEL: 'trace', LIBP2P_LOGGING: 'trace' },
      `import { writeSync } from 'node:fs'
      process.stdout.isTTY
      const fill = () => { try { for (;;) writeSync(1, 'x') } catch {} }
      setInterval(fill, 5)
      ${expected === 1 ? `import('node:net').then(({ Server }) => { Server.prototype.close = function () { return this } })` : ''}`
    )
    // a paused stream still fills a buffer of its own, so the daemon keeps its side of the pipe full
    node.process.stdout?.removeAllListeners('data').pause()
    await until(path, 'Bootstrap node started')
    if (expected === 1) {
      node.process.kill('SIGTERM')
      await until(path, 'Shutting down')
      await new Promise((resolve) => setTimeout(resolve, 400))
    }
    const { code, seconds } = await secondsToEnd(node)
    expect(code).toBe(expected)
    expect(seconds).toBeLessThan(8)
  })
})
