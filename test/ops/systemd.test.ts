import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { Daemon } from '../support/daemon.ts'
import { freePort } from '../support/port.ts'

const deploy = fileURLToPath(new URL('../../deploy', import.meta.url))
const isThere = spawnSync('systemd-analyze', ['--version']).status === 0
if (!isThere) process.stderr.write('\nSYSTEMD TESTS DID NOT RUN: no systemd-analyze\n\n')

const children: ChildProcess[] = []
const running: Daemon[] = []
afterEach(async () => {
  for (const daemon of running.splice(0)) {
    if (daemon.process.exitCode === null) daemon.process.kill('SIGKILL')
    await daemon.ended()
  }
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** Receives what systemd would: a Unix datagram socket, which Node does not have and Perl, always there on Debian, does. */
class NotifySocket {
  readonly path: string
  text = ''

  constructor() {
    this.path = join(mkdtempSync(join(tmpdir(), 'notify-')), 'socket')
    const script = `use Socket; $| = 1; socket(S, PF_UNIX, SOCK_DGRAM, 0) or die; bind(S, sockaddr_un($ARGV[0])) or die;
      print "bound\\n"; while (defined recv(S, $m, 4096, 0)) { print "$m\\n" }`
    const child = spawn('perl', ['-e', script, this.path], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    child.stdout.on('data', (chunk) => {
      this.text += chunk
    })
  }

  /** What was told, in order. */
  get told(): string[] {
    return this.text.split('\n').filter((line) => line !== '' && line !== 'bound' && line !== 'BARRIER=1')
  }

  async bound(): Promise<this> {
    await expect.poll(() => this.text).toContain('bound')
    return this
  }
}

async function start(env: Record<string, string>, options: ConstructorParameters<typeof Daemon>[2] = {}) {
  const node = new Daemon(['--port', String(await freePort())], env, options)
  running.push(node)
  return node
}

/** The processes that a process has started. */
function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

describe.skipIf(!isThere)('Type=notify', () => {
  it('systemd is told that the node serves, that it lives and that it stops', async () => {
    const socket = await new NotifySocket().bound()
    const node = await start({ NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '400000' })
    await expect.poll(() => socket.told.slice(0, 2)).toEqual(['READY=1', 'STATUS=serving, 0 peers connected'])
    expect(node.stdout).toContain('Bootstrap node started. ID: ')
    await expect.poll(() => socket.told.slice(2, 4)).toEqual(['WATCHDOG=1', 'WATCHDOG=1'])
    // as `systemctl kill` sends them, to all processes of the service
    for (const pid of [...childrenOf(node.process.pid!), node.process.pid!]) process.kill(pid, 'SIGUSR2')
    await node.printed(/Log level: debug/)
    expect(await node.stop()).toBe(0)
    await expect.poll(() => socket.told.at(-1)).toBe('STOPPING=1')
    expect(node.stdout).not.toContain('systemd cannot be told')
  })

  it('a node whose event loop stands still gives no sign of life', async () => {
    const socket = await new NotifySocket().bound()
    const preload = join(mkdtempSync(join(tmpdir(), 'preload-')), 'preload.mjs')
    writeFileSync(
      preload,
      `process.on('SIGUSR2', () => {
        process.stderr.write('stands still\\n')
        for (const end = Date.now() + 3_000; Date.now() < end; );
        process.stderr.write('turns again\\n')
      })`
    )
    const env = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '200000' }
    const node = await start(env, { node: ['--import', preload] })
    await expect.poll(() => socket.told).toContain('WATCHDOG=1')
    node.process.kill('SIGUSR2')
    await node.printed(/stands still/)
    const told = socket.told.length
    await node.printed(/turns again/)
    // one may have been under way; 30 would have come
    expect(socket.told.length).toBeLessThan(told + 5)
    await expect.poll(() => socket.told.length).toBeGreaterThan(told + 5)
    expect(await node.stop()).toBe(0)
  })

  it('what tells systemd is started anew when it was killed, and ends with the node', async () => {
    const socket = await new NotifySocket().bound()
    const node = await start({ NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '200000' })
    await expect.poll(() => socket.told).toContain('WATCHDOG=1')
    const [relay] = childrenOf(node.process.pid!)
    process.kill(relay!, 'SIGKILL')
    await node.printed(/systemd cannot be told how this service does \(ended with SIGKILL\)/)
    const told = socket.told.length
    await expect.poll(() => socket.told.length).toBeGreaterThan(told + 1)
    const [another] = childrenOf(node.process.pid!)
    expect(await node.stop()).toBe(0)
    await expect.poll(() => existsSync(`/proc/${another}/exe`)).toBe(false)
  })

  it('without systemd-notify the node runs, and says what will happen', async () => {
    const node = await start({ NOTIFY_SOCKET: '/nowhere', PATH: '/nowhere' })
    await node.printed(/WARN: systemd cannot be told how this service does \(systemd-notify is not installed\)/)
    expect(await node.stop()).toBe(0)
  })
})

describe.skipIf(!isThere)('the units', () => {
  /** Where node is for the tests is not where it is on a server. */
  function units(): string[] {
    const folder = mkdtempSync(join(tmpdir(), 'units-'))
    cpSync(deploy, folder, { recursive: true })
    const [service, socket] = ['service', 'socket'].map((kind) => join(folder, `powerloom-bootstrap-node.${kind}`))
    const text = readFileSync(service!, 'utf8').replace('/usr/bin/node', process.execPath)
    writeFileSync(
      service!,
      text.replaceAll(/^(ExecStart=\S+ .*)\/opt\/bootstrap-node\/dist\/main\.js$/gm, '$1/dev/null')
    )
    return [service!, socket!]
  }

  it('have what the README gives check and doctor', () => {
    const readme = readFileSync(join(deploy, '../README.md'), 'utf8')
    const service = readFileSync(join(deploy, 'powerloom-bootstrap-node.service'), 'utf8').replaceAll('%S', '/var/lib')
    const given = [...readme.matchAll(/ -p ([A-Z]\w+=\S+)/g)].map(([, property = '']) => property)
    expect(given).toHaveLength(9)
    for (const property of given) expect(service.split('\n')).toContain(property)
    const command = /^ +(\/usr\/bin\/node .*) "\$@"$/m.exec(readme)?.[1]
    expect(service.split('\n')).toContain(`ExecStart=${command}`)
  })

  it('are understood by systemd', () => {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...units()], {
      encoding: 'utf8'
    })
    expect([status, stdout, stderr]).toEqual([0, '', ''])
  })

  it('leave the node as little as the README says', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
    const [, score = ''] = readme.match(/exposure level (\d\.\d)/) ?? []
    const args = ['security', '--offline=true', '--no-pager', units()[0]!]
    const { stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8' })
    const [, measured = ''] = stdout.match(/Overall exposure level for \S+: (\d\.\d) /) ?? []
    expect(measured).toBe(score)
  })
})
