import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as passed } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { Daemon } from '../support/daemon.ts'
import { freePort } from '../support/port.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'data-'))

const running: Daemon[] = []
afterEach(async () => {
  for (const daemon of running.splice(0)) {
    if (daemon.process.exitCode === null) daemon.process.kill('SIGKILL')
    await daemon.ended()
  }
})

async function run(env: Record<string, string>, prepare?: string): Promise<Daemon> {
  // so few that no machine's limit of open files is worth a warning
  const few = { CONN_MANAGER_LOW_WATER: '100', CONN_MANAGER_HIGH_WATER: '200' }
  const daemon = new Daemon(
    ['--port', String(await freePort())],
    { ...few, ...env },
    prepare === undefined ? {} : { within: prepare }
  )
  running.push(daemon)
  return daemon
}

async function peerIdOf(daemon: Daemon): Promise<string> {
  return (await daemon.printed(/Bootstrap node started\. ID: (\w+)/))[1]!
}

async function newKey(): Promise<string> {
  const daemon = new Daemon(['--generate-key'])
  await daemon.ended()
  return daemon.stdout.match(/hex\): (\w+)/)![1]!
}

const errorsOf = ({ stdout }: Daemon) => stdout.split('\n').filter((line) => line.includes('ERROR'))

describe('DATA_DIR', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'keeps the identity over a restart by %s, and no key is logged',
    async (signal) => {
      const dataDir = join(folder(), 'data')
      const first = await run({ DATA_DIR: dataDir, LOG_LEVEL: 'trace' })
      const peerId = await peerIdOf(first)
      await first.printed(/Give this address to other nodes/)
      await first.stop(signal)
      const second = await run({ DATA_DIR: dataDir, LOG_LEVEL: 'trace' })
      expect(await peerIdOf(second)).toBe(peerId)
      expect(await second.stop()).toBe(0)
      const said = first.stdout + first.stderr + second.stdout + second.stderr
      expect(said).not.toMatch(/PRIVATE_KEY is not set|WARN|ERROR/)
      expect(said).not.toContain(readFileSync(join(dataDir, 'identity.key'), 'utf8').slice(0, 16))
      expect(readdirSync(dataDir).toSorted()).toEqual(['identity.key', 'state'])
    }
  )

  it('in use by another process is refused with its pid, and the other runs on', async () => {
    const dataDir = folder()
    const first = await (await run({ DATA_DIR: dataDir })).started()
    const second = await run({ DATA_DIR: dataDir })
    expect(await second.ended()).toBe(1)
    expect(second.stdout.trim().split('\n')).toHaveLength(1)
    expect(second.stdout).toContain(
      `FATAL: DATA_DIR ${dataDir} is in use by another process (pid ${first.process.pid}): `
    )
    expect(await first.stop()).toBe(0)
    expect(first.stdout).not.toContain('ERROR')
  })

  it('with a damaged identity ends the start with one line that says what to do', async () => {
    const dataDir = folder()
    writeFileSync(join(dataDir, 'identity.key'), 'ab'.repeat(64), { mode: 0o600 })
    const node = await run({ DATA_DIR: dataDir })
    expect(await node.ended()).toBe(1)
    expect(node.stdout.trim().split('\n')).toHaveLength(1)
    expect(node.stdout).toMatch(/FATAL: the identity in .*identity\.key cannot be used .*restore/)
    expect(node.stdout + node.stderr).not.toContain('abab')
  })

  it('with damaged state starts, sets it aside and says so', async () => {
    const dataDir = folder()
    mkdirSync(join(dataDir, 'state'))
    writeFileSync(join(dataDir, 'state', 'CURRENT'), 'garbage')
    const node = await (await run({ DATA_DIR: dataDir })).started()
    await node.printed(/ERROR: the damaged state is kept in .*state\.damaged-/)
    expect(await node.stop()).toBe(0)
  })

  it('lets check know whom to expect', async () => {
    const [dataDir, other] = [folder(), folder()]
    const port = String(await freePort())
    const node = await start(['--port', port, '--data-dir', dataDir])
    const stranger = await start(['--port', String(await freePort()), '--data-dir', other])
    const checks = [dataDir, other].map((path) => new Daemon(['check', '--port', port, '--data-dir', path]))
    expect(await Promise.all(checks.map((check) => check.ended()))).toEqual([0, 1])
    await Promise.all([node.stop(), stranger.stop()])
  })
})

async function start(args: string[]): Promise<Daemon> {
  const daemon = new Daemon(args)
  running.push(daemon)
  return daemon.started()
}

/** Mounts of a process alone need root. */
const mayMount = (() => {
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    console.warn('full disks and read-only directories are NOT tested: mounting needs root')
    return false
  }
})()

describe.runIf(mayMount)('a file system that refuses', () => {
  const cannotBeUsed = [
    expect.stringMatching(/the state cannot be saved: /),
    expect.stringMatching(/the state cannot be read: /)
  ]

  it('as DATA_DIR is read-only: the node serves, with a key or an identity that is there, and says what it cannot do', async () => {
    const dataDir = folder()
    const readOnly = `mount --bind ${dataDir} ${dataDir} && mount -o remount,ro,bind ${dataDir}`
    const withKey = await run({ DATA_DIR: dataDir, PRIVATE_KEY: await newKey() }, readOnly)
    await withKey.started()
    await withKey.printed(/ERROR: the state cannot be saved: .*[Rr]ead-only file system/)
    expect(await withKey.stop()).toBe(0)
    expect(errorsOf(withKey)).toEqual(cannotBeUsed)

    const without = await run({ DATA_DIR: dataDir }, readOnly)
    expect(await without.ended()).toBe(1)
    expect(without.stdout).toMatch(/FATAL: the new identity cannot be saved in .*make DATA_DIR writable/)

    const writable = await run({ DATA_DIR: dataDir })
    const peerId = await peerIdOf(writable)
    await writable.stop()
    const again = await run({ DATA_DIR: dataDir }, readOnly)
    expect(await peerIdOf(again)).toBe(peerId)
    await again.printed(/ERROR: the state cannot be saved: /)
    expect(await again.stop()).toBe(0)
    expect(readdirSync(dataDir).toSorted()).toEqual(['identity.key', 'state'])
  })

  it('as the disk is full: the node serves, says so once, and saves again when there is room', async () => {
    const dataDir = folder()
    const fill = `mount -t tmpfs -o size=1m tmpfs ${dataDir} && head -c 2000000 /dev/zero > ${dataDir}/ballast 2>/dev/null`
    const node = await run({ DATA_DIR: dataDir, PRIVATE_KEY: await newKey() }, `${fill}; true`)
    await node.started()
    await node.printed(/ERROR: the state cannot be saved: .*No space left on device|ENOSPC/)
    rmSync(`/proc/${node.process.pid}/root${dataDir}/ballast`)
    await node.printed(/WARN: the state is saved again/)
    expect(await node.stop()).toBe(0)
    expect(errorsOf(node)).toEqual(cannotBeUsed)
  })

  it.each([
    ['writing its log', 7_000_000],
    ['writing a table', 4_900_000]
  ])('in the middle of %s: nothing that was written before or after is lost', async (_what, ballastBytes) => {
    const dataDir = folder()
    const fill = `mount -t tmpfs -o size=10m tmpfs ${dataDir} && head -c ${ballastBytes} /dev/zero > ${dataDir}/ballast`
    const runTwice = `${writerCommand(dataDir, '120', join(dataDir, 'ballast'))} && ${writerCommand(dataDir, '0')}`
    const writer = spawn('unshare', ['-m', 'sh', '-c', `${fill}; ${runTwice}`], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    const lines: string[] = []
    for await (const line of createInterface({ input: writer.stdout! })) lines.push(line)
    expect(lines.filter((line) => line.startsWith('log '))).toEqual([
      expect.stringMatching(/^log the state cannot be saved: .*No space left on device/),
      expect.stringMatching(/^log the state is saved again/)
    ])
    const found = lines.filter((line) => line.startsWith('found ')).at(-1)!
    expectWritten(parse(found), 120)
  })
})

const writerFile = fileURLToPath(new URL('fixtures/state-writer.mjs', import.meta.url))
const writerCommand = (...args: string[]) => [process.execPath, writerFile, ...args].join(' ')

type Found = Readonly<Record<string, readonly number[]>>
const parse = (line: string): Found => JSON.parse(line.slice('found '.length))

/** Each batch whole or not at all, and none older than what was acknowledged. */
function expectWritten(found: Found, acknowledged: number): void {
  const newest = Math.max(0, ...Object.values(found).flat())
  expect(newest).toBeGreaterThanOrEqual(acknowledged)
  expect(newest).toBeLessThanOrEqual(acknowledged + 1)
  for (let number = Math.max(1, newest - 39); number <= newest; number++) {
    expect(found[number % 40]).toEqual(Array.from({ length: 20 }, () => number))
  }
}

it('is killed 50 times in the middle of writing: all that was acknowledged is there, and nothing is damaged', async () => {
  // what a killed process has written is the system's: no disk is needed to show it, and 50 starts on a slow one take a minute
  const dataDir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'data-'))
  let acknowledged = 0
  for (let kill = 0; kill <= 50; kill++) {
    const writer: ChildProcess = spawn(process.execPath, [writerFile, dataDir], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    const wantedAcks = kill === 50 ? 1 : 1 + (kill % 7)
    let acks = 0
    for await (const line of createInterface({ input: writer.stdout! })) {
      const [what, rest = ''] = line.split(/ (.*)/)
      if (what === 'log') expect.fail(`kill ${kill}: ${rest}`)
      if (what === 'found') expectWritten(JSON.parse(rest), acknowledged)
      if (what !== 'written') continue
      acknowledged = Number(rest)
      acks++
      // at any moment of the second batch
      if (acks === wantedAcks) void passed(Math.random() * 20).then(() => writer.kill('SIGKILL'))
    }
    if (writer.signalCode === null && writer.exitCode === null) await once(writer, 'exit')
    expect(writer.signalCode).toBe('SIGKILL')
  }
  expect(acknowledged).toBeGreaterThan(150)
  expect(readdirSync(dataDir).toSorted()).toEqual(['pid', 'state'])
  rmSync(dataDir, { recursive: true })
})
