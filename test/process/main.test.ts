import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { Daemon } from '../support/daemon.ts'
import { freePort } from '../support/port.ts'
import { onStock } from '../support/stack.ts'

const running: Daemon[] = []
afterEach(async () => {
  for (const daemon of running.splice(0)) {
    if (daemon.process.exitCode === null) daemon.process.kill('SIGKILL')
    await daemon.ended()
  }
})

function run(
  args: string[] = [],
  env: Record<string, string> = {},
  options: ConstructorParameters<typeof Daemon>[2] = {}
): Daemon {
  const daemon = new Daemon(args, env, options)
  running.push(daemon)
  return daemon
}

it('can be run by its name: the built file starts with the interpreter', () => {
  expect(readFileSync(new URL('../../dist/main.js', import.meta.url), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
})

const version: string = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version

describe('the command line', () => {
  it('--help names the settings and ends with 0', async () => {
    const daemon = run(['--help'])
    expect(await daemon.ended()).toBe(0)
    expect(daemon.stdout).toContain('--port  BOOTSTRAP_PORT [4001]')
  })

  it('--version prints the version', async () => {
    const daemon = run(['--version'])
    expect(await daemon.ended()).toBe(0)
    expect(daemon.stdout).toBe(`${version}\n`)
  })

  it('--generate-key prints what the Go service prints, and the node takes the key', async () => {
    const daemon = run(['--generate-key'])
    expect(await daemon.ended()).toBe(0)
    const lines = daemon.stdout.split('\n')
    expect(lines[0]).toMatch(/^Generated Private Key \(hex\): [0-9a-f]{128}$/)
    expect(lines[1]).toMatch(/^Derived Peer ID: 12D3KooW\w+$/)
    const id = lines[1]!.split(': ')[1]!
    expect(lines[2]).toBe(`Expected Multiaddress (local placeholder): /ip4/127.0.0.1/tcp/4001/p2p/${id}`)
    expect(lines[3]).toBe('')
    expect(lines[4]).toMatch(/127\.0\.0\.1/)

    const key = lines[0]!.split(': ')[1]!
    const node = run(['--port', String(await freePort())], {
      PRIVATE_KEY: `0x${key}`,
      LOG_LEVEL: 'trace',
      LIBP2P_LOGGING: 'trace'
    })
    expect((await node.printed(/host created with ID: (\w+), listening on: /))[1]).toBe(id)
    await node.stop()
    expect(node.stdout + node.stderr).not.toContain(key.slice(0, 16))
    expect(node.stdout).not.toContain('PRIVATE_KEY is not set')
  })
})

describe('check', () => {
  it('passes for the node of the configured key, and for no other on its port', async () => {
    const port = String(await freePort())
    const keys = await Promise.all(
      [run(['--generate-key']), run(['--generate-key'])].map(async (daemon) => {
        await daemon.ended()
        return daemon.stdout.match(/hex\): (\w+)/)![1]!
      })
    )
    const node = await run(['--port', port], { PRIVATE_KEY: keys[0]! }).started()
    const [same, other, unknown] = [{ PRIVATE_KEY: keys[0]! }, { PRIVATE_KEY: keys[1]! }, {}].map((env) =>
      run(['check', '--port', port], { ...env, LOG_FILE: '/proc/nowhere' })
    )
    expect([await same!.ended(), await other!.ended(), await unknown!.ended()]).toEqual([0, 1, 0])
    expect(same!.stdout).toMatch(/^OK: 12D3KooW\w+ answered FIND_NODE/m)
    expect(other!.stderr).toMatch(/^FAILED: /)
    await node.stop()
  })

  it('says that nobody is there', async () => {
    const check = run(['check', `/ip4/127.0.0.1/tcp/${await freePort()}`])
    expect(await check.ended()).toBe(1)
    expect(check.stderr).toMatch(/^FAILED: .*ECONNREFUSED/)
  })

  it('gives one JSON object when it is asked to', async () => {
    const port = String(await freePort())
    const node = await run(['--port', port]).started()
    const check = run(['check', '--json', '--port', port])
    expect(await check.ended()).toBe(0)
    expect(JSON.parse(check.stdout)).toMatchObject({ ok: true, steps: expect.arrayContaining([expect.anything()]) })
    await node.stop()
    const none = run(['check', '--json', '--port', port])
    expect(await none.ended()).toBe(1)
    expect(JSON.parse(none.stdout)).toMatchObject({ ok: false, advice: expect.any(String) })
  })

  it.each(['somewhere', '/ip4/127.0.0.1/udp/1/quic-v1'])('refuses %s with 2', async (address) => {
    const check = run(['check', address])
    expect(await check.ended()).toBe(2)
    expect(check.stderr).toMatch(/^FAILED: .*give one such as \/ip4/)
  })
})

describe('doctor', () => {
  const small = { CONN_MANAGER_LOW_WATER: '10', CONN_MANAGER_HIGH_WATER: '20' }

  it('finds a machine that fits, before and while the node runs', async () => {
    const port = String(await freePort())
    const before = run(['doctor', '--port', port], small)
    expect([await before.ended(), before.stderr]).toEqual([0, ''])
    expect(before.stdout).toMatch(new RegExp(`^ok +port +${port} on 127.0.0.1 is free$`, 'm'))
    const node = await run(['--port', port], small).started()
    expect(node.stdout).not.toMatch(/open files|heap limit/)
    const meanwhile = run(['doctor', '--json', '--port', port], small)
    expect(await meanwhile.ended()).toBe(0)
    const { ok, findings } = JSON.parse(meanwhile.stdout)
    expect(ok).toBe(true)
    expect(findings).toContainEqual(
      expect.objectContaining({ name: 'port', value: expect.stringMatching(/this node's/) })
    )
    await node.stop()
  })

  it('ends with 1 where the node cannot work, and the node says the same when it starts', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const port = String((server.address() as AddressInfo).port)
    const env = { ...small, PUBLIC_IP: '127.0.0.1' }
    const doctor = run(['doctor', '--port', port], env)
    expect(await doctor.ended()).toBe(1)
    server.close()
    expect(doctor.stdout).toMatch(/^fail +port +\d+ on 127\.0\.0\.1 is taken/m)
    expect(doctor.stdout).toMatch(/^fail +PUBLIC_IP +127\.0\.0\.1 means this machine/m)
    const node = await run(['--port', String(await freePort())], env).started()
    expect(node.stdout).toMatch(/WARN: PUBLIC_IP: 127\.0\.0\.1 means this machine.*: set it to the address/)
    await node.stop()
  })
})

describe('a wrong configuration', () => {
  it('is told in one report, and ends with 2', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'daemon-'))
    writeFileSync(join(cwd, '.env'), 'CONN_MANAGER_HIGH_WATER=many\nPUBLIC_IP=nowhere\n')
    const secret = `${'ab'.repeat(32)}${'cd'.repeat(32)}`
    const daemon = run(['--port', 'x', '--colour'], { PRIVATE_KEY: secret, LOG_FILE: `${cwd}/.env/x.log` }, { cwd })
    expect(await daemon.ended()).toBe(2)
    for (const subject of [
      '--colour',
      'BOOTSTRAP_PORT="x"',
      'CONN_MANAGER_HIGH_WATER="many"',
      'PUBLIC_IP="nowhere"',
      'PRIVATE_KEY=<hidden>',
      'LOG_FILE='
    ]) {
      expect(daemon.stderr).toContain(subject)
    }
    expect(daemon.stdout + daemon.stderr).not.toContain(secret.slice(0, 8))
    expect(daemon.stderr).not.toMatch(/^\s+at /m)
  })
})

describe('starting', () => {
  it('needs no setting, says how to keep the identity and which address to hand out', async () => {
    const port = await freePort()
    const node = await run(['--port', String(port)]).started()
    const [, id] = await node.printed(/Bootstrap node started\. ID: (\w+)/)
    await node.printed(new RegExp(`Give this address to other nodes: /ip4/127.0.0.1/tcp/${port}/p2p/${id}`))
    await node.printed(/PRIVATE_KEY is not set.*--generate-key/)
    expect(await node.stop()).toBe(0)
  })

  it('a port in use is one clear line, and ends with 1', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    // a limit of open files that is lower than the defaults need would be another line
    const node = run(['--port', String(port)], { CONN_MANAGER_LOW_WATER: '10', CONN_MANAGER_HIGH_WATER: '20' })
    expect(await node.ended()).toBe(1)
    other.close()
    expect(node.stdout.trim().split('\n')).toHaveLength(1)
    expect(node.stdout).toMatch(new RegExp(`FATAL: port ${port} is already in use on 127\\.0\\.0\\.1: `))
  })

  it('PPROF_PORT in use is one clear line, and the node runs on', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const node = await run(['--port', String(await freePort())], { PPROF_PORT: String(port) }).started()
    await node.printed(new RegExp(`ERROR: the profiling server cannot listen on 127\\.0\\.0\\.1 port ${port}`))
    expect(await node.stop()).toBe(0)
    other.close()
  })

  it('serves profiles behind PPROF_PORT', async () => {
    const port = await freePort()
    const node = await run(['--port', String(await freePort())], { PPROF_PORT: String(port) }).started()
    const index = await fetch(`http://127.0.0.1:${port}/debug/pprof/`)
    expect([index.status, await index.text()]).toEqual([200, expect.stringContaining('heap')])
    expect(await node.stop()).toBe(0)
  })
})

describe('stopping', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s: the shutdown line, exit 0, no error line, the port is free',
    async (signal) => {
      const port = await freePort()
      const node = await run(['--port', String(port)], { LOG_LEVEL: 'debug' }).started()
      expect(await node.stop(signal)).toBe(0)
      expect(node.stdout).toContain('INFO: Shutting down bootstrap node...')
      expect(node.stdout).not.toMatch(/ERROR|FATAL/)
      expect(node.stderr).toBe('')
      const again = await run(['--port', String(port)]).started()
      expect(await again.stop()).toBe(0)
    }
  )

  it('SIGUSR1 does not open the inspector of Node', async () => {
    const node = await run(['--port', String(await freePort())]).started()
    node.process.kill('SIGUSR1')
    await node.printed(/SIGUSR1 is ignored/)
    expect(await node.stop()).toBe(0)
    expect(node.stderr).not.toContain('Debugger')
  })

  it('no signal to a running node ends one that starts', async () => {
    const early = `const on = process.on
      process.on = function (name, ...rest) {
        on.call(this, name, ...rest)
        if (name === 'uncaughtException') for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2']) process.kill(process.pid, signal)
        return this
      }`
    const node = await run(['--port', String(await freePort())], {}, { node: ['--import', preload(early)] }).started()
    expect(await node.stop()).toBe(0)
  })

  it('asked to before its own code is loaded, it ends with 0', async () => {
    const early = `const on = process.on
      process.on = function (name, ...rest) {
        on.call(this, name, ...rest)
        if (name === 'uncaughtException') setImmediate(() => process.kill(process.pid, 'SIGTERM'))
        return this
      }`
    const node = run(['--port', String(await freePort())], {}, { node: ['--import', preload(early)] })
    expect(await node.ended()).toBe(0)
    expect(node.stdout).toContain('Shutting down bootstrap node...')
    expect(node.stdout).not.toContain('Bootstrap node started')
  })

  it('asked to while it starts, it ends with 0', async () => {
    const node = run(
      ['--port', String(await freePort())],
      { LOG_LEVEL: 'debug' },
      {
        node: [
          '--import',
          preload(`
      import { createServer } from 'node:net'
      const { listen } = Object.getPrototypeOf(createServer())
      Object.getPrototypeOf(createServer()).listen = function (...args) {
        process.kill(process.pid, 'SIGTERM')
        setTimeout(() => listen.apply(this, args), 50)
        return this
      }`)
        ]
      }
    )
    expect(await node.ended()).toBe(0)
    expect(node.stdout).not.toContain('Bootstrap node started')
  })

  it('a second signal ends it at once with 1', async () => {
    const node = await run(['--port', String(await freePort())], {}, hanging()).started()
    node.process.kill('SIGTERM')
    await node.printed(/Shutting down/)
    const impatient = setInterval(() => node.process.kill('SIGTERM'), 100)
    expect(await node.ended()).toBe(1)
    clearInterval(impatient)
    expect(node.stdout).not.toContain('Error during shutdown')
  })

  it('one Ctrl-C that arrives twice, as under npm start, is one request', async () => {
    const node = await run(['--port', String(await freePort())], {}, hanging()).started()
    node.process.kill('SIGINT')
    await node.printed(/Shutting down/)
    node.process.kill('SIGINT')
    expect(await node.ended()).toBe(0)
  })

  it('is over within 10 s when a library hangs, and says which step', async () => {
    const node = await run(['--port', String(await freePort())], {}, hanging()).started()
    expect(await node.stop()).toBe(0)
    expect(node.stdout).toMatch(
      onStock
        ? /ERROR: Error during shutdown: host did not close within/
        : /ERROR: .*: port did not close within 1000 ms/
    )
  })

  it.each([
    ['an uncaught error', `throw new Error('defect', { cause: new Error('the reason') })`],
    ['something thrown that is no error', `throw 'defect, the reason'`],
    ['an unhandled rejection', `Promise.reject(new Error('defect', { cause: new Error('the reason') }))`]
  ])('%s is logged with its cause, and ends it through close() with 1', async (_what, defect) => {
    const options = { node: ['--import', preload(`process.on('SIGUSR2', () => { ${defect} })`)] }
    const port = await freePort()
    const node = await run(['--port', String(port)], {}, options).started()
    const peer = connect(port, '127.0.0.1')
    await once(peer, 'connect')
    expect(await node.stop('SIGUSR2')).toBe(1)
    expect(node.stdout).toMatch(/FATAL: .*defect/)
    expect(node.stdout).toContain('the reason')
  })
})

describe('the log file', () => {
  it('has the lines of standard output', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'log-'))
    const path = join(folder, 'deep', 'app.log')
    const node = await run(['--port', String(await freePort())], { LOG_FILE: path }).started()
    await node.stop()
    expect(readFileSync(path, 'utf8')).toBe(node.stdout)
  })

  it('a closed standard output does not take the node down', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'log-'))
    const path = join(folder, 'app.log')
    const node = await run(['--port', String(await freePort())], { LOG_FILE: path }).started()
    node.process.stdout!.destroy()
    expect(await node.stop()).toBe(0)
    expect(readFileSync(path, 'utf8')).toContain('Shutting down bootstrap node...')
  })
})

/** A module that is loaded before the daemon. */
function preload(source: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'preload-')), 'preload.mjs')
  writeFileSync(path, source)
  return path
}

/** A server whose close never calls back, as a library's stop that hangs. */
function hanging(): { node: string[] } {
  return {
    node: [
      '--import',
      preload(`
      import { Server } from 'node:net'
      Server.prototype.close = function () { return this }`)
    ]
  }
}
