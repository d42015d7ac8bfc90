import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { Daemon } from '../support/daemon.ts'
import { freePort } from '../support/port.ts'

const running: Daemon[] = []
const children: ChildProcess[] = []
afterEach(async () => {
  for (const daemon of running.splice(0)) {
    if (daemon.process.exitCode === null) daemon.process.kill('SIGKILL')
    await daemon.ended()
  }
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL')
})

async function run(env: Record<string, string> = {}): Promise<{ node: Daemon; port: number }> {
  const port = await freePort()
  const node = new Daemon(['--port', String(port)], env)
  running.push(node)
  return { node: await node.started(), port }
}

describe('LOG_FORMAT=json', () => {
  it('has an object a line, in the file too, with the words that scripts know', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'log-')), 'app.log')
    const { node } = await run({ LOG_FORMAT: 'json', LOG_FILE: path })
    expect(await node.stop()).toBe(0)
    expect(readFileSync(path, 'utf8')).toBe(node.stdout)
    const events = node.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    for (const { level, time } of events) {
      expect(['info', 'warn']).toContain(level)
      expect(new Date(time).toISOString()).toBe(time)
    }
    for (const promise of [
      /^Libp2p host created with ID: 12D3KooW\w+, listening on: \[.*\]$/,
      /^Gossipsub parameter hash: 301ee7d973e981a7 \(bootstrap node\)$/,
      /^Bootstrap node started\. ID: 12D3KooW\w+$/,
      /^Listening on addresses: \[.*\]$/,
      /^Shutting down bootstrap node\.\.\.$/
    ]) {
      expect(events.filter(({ msg }) => promise.test(msg))).toHaveLength(1)
      // a script greps the same words in both
      expect(node.stdout).toMatch(new RegExp(promise.source.slice(1, -1)))
    }
  })
})

describe('the levels of a running node', () => {
  it('change by SIGUSR2: more, the libraries too, and back', async () => {
    const { node, port } = await run()
    node.process.kill('SIGUSR2')
    await node.printed(/Log level: debug, of the libraries: info/)
    connect(port, '127.0.0.1')
      .on('error', () => {})
      .destroy()
    node.process.kill('SIGUSR2')
    await node.printed(/Log level: debug, of the libraries: debug/)
    node.process.kill('SIGUSR2')
    await node.printed(/Log level: info, of the libraries: info/)
    expect(await node.stop()).toBe(0)
  })

  it('change over the admin server', async () => {
    const adminPort = await freePort()
    const { node } = await run({ ADMIN_PORT: String(adminPort) })
    const url = `http://127.0.0.1:${adminPort}/log-level`
    expect(await (await fetch(url)).json()).toEqual({ level: 'info', libp2p: 'info' })
    await fetch(`${url}?level=trace&libp2p=trace`, { method: 'PUT' })
    await node.printed(/Log level: trace, of the libraries: trace/)
    // closing is what the libraries talk about
    expect(await node.stop()).toBe(0)
    expect(node.stdout).toMatch(/DEBUG: libp2p/)
  })
})

describe('SIGHUP', () => {
  it('opens LOG_FILE anew, as after logrotate', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'log-'))
    const path = join(folder, 'app.log')
    const { node } = await run({ LOG_FILE: path })
    await expect.poll(() => readFileSync(path, 'utf8')).toContain('Give this address')
    renameSync(path, `${path}.1`)
    node.process.kill('SIGHUP')
    await node.printed(/INFO: LOG_FILE is opened anew/)
    expect(await node.stop()).toBe(0)
    expect(readdirSync(folder).sort()).toEqual(['app.log', 'app.log.1'])
    expect(readFileSync(path, 'utf8')).toMatch(/^\S+ INFO: LOG_FILE is opened anew\n[\s\S]*Shutting down/)
    expect(readFileSync(`${path}.1`, 'utf8') + readFileSync(path, 'utf8')).toBe(node.stdout)
  })

  it('does nothing to a daemon without a LOG_FILE', async () => {
    const { node } = await run()
    node.process.kill('SIGHUP')
    await node.printed(/SIGHUP is ignored: there is no LOG_FILE/)
    expect(await node.stop()).toBe(0)
  })

  it('stops a node whose terminal is gone', async () => {
    const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
    const cwd = mkdtempSync(join(tmpdir(), 'terminal-'))
    const line = `LISTEN_ADDRESS=127.0.0.1 ADMIN_PORT=0 exec ${process.execPath} ${main} --port ${await freePort()}`
    const script = spawn('script', ['--quiet', '--return', '--flush', '--command', line, join(cwd, 'typescript')], {
      cwd,
      stdio: ['pipe', 'pipe', 'inherit']
    })
    children.push(script)
    let text = ''
    script.stdout.on('data', (chunk) => {
      text += chunk
    })
    await expect.poll(() => text, { timeout: 30_000 }).toContain('Give this address')
    const [pid] = readFileSync(`/proc/${script.pid}/task/${script.pid}/children`, 'utf8').split(' ')
    process.kill(Number(pid), 'SIGHUP')
    const [code] = await once(script, 'exit')
    expect(code).toBe(0)
    expect(text).toContain('Shutting down bootstrap node...')
  })
})
