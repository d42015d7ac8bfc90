import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { copyTree, freePort, type Result, Running, run, until } from './tree.ts'

const engine = run('docker', ['info']).code === 0
if (!engine) process.stderr.write('\nDOCKER TESTS DID NOT RUN: no Docker engine\n\n')

/** What a start of a container and the build before it may take on a small machine with an empty cache. */
const startMs = 240_000
/** The first health check comes after 30 s. */
const healthyMs = 90_000

function docker(...args: string[]): string {
  const { code, stdout, stderr } = run('docker', args)
  if (code !== 0)
    throw new Error(`docker ${args.join(' ')} ended with ${code}:\n${stdout.slice(-3000)}${stderr.slice(-3000)}`)
  return stdout.trim()
}

describe.skipIf(!engine)('the image', () => {
  const image = `bootstrap-image-test-${process.pid}`
  let tree: ReturnType<typeof copyTree>

  beforeAll(() => {
    tree = copyTree()
    // what lies about in a work tree and must stay out
    for (const directory of ['logs', 'test', 'node_modules/leftover', 'dist', '.git'])
      mkdirSync(join(tree.path, directory), { recursive: true })
    for (const file of [
      '.env',
      'src/.env',
      'logs/node.log',
      'test/a.test.ts',
      'node_modules/leftover/index.js',
      'dist/old.js',
      '.git/HEAD',
      '.npmrc'
    ]) {
      writeFileSync(join(tree.path, file), '')
    }
    docker('build', '--tag', image, tree.path)
  }, startMs)

  afterAll(() => {
    run('docker', ['rmi', '--force', image])
    tree?.remove()
  })

  const inside = (script: string, ...options: string[]): Result =>
    run('docker', ['run', '--rm', '--entrypoint', 'sh', ...options, image, '-c', script])

  it('holds the compiled node, its packages and the licences, and nothing else', () => {
    const { stdout } = inside('ls -A /app; ls -A /app/logs; ls -A /app/data')
    expect(stdout.trim().split('\n')).toEqual([
      'LICENSE',
      'LICENSE-APACHE',
      'LICENSE-MIT',
      'data',
      'dist',
      'logs',
      'node_modules',
      'package.json'
    ])
  })

  it('holds no source, no test and no .env', () => {
    const { code, stdout } = inside(
      `find /app \\( -name '*.ts' -o -name '.env*' -o -name '.npmrc' -o -name old.js \\) -print; ls /app/node_modules/leftover 2>&1 | grep -v 'No such'`
    )
    expect(stdout).toBe('')
    expect(code).toBe(1)
  })

  it('holds no package that only development needs', () => {
    const lock = JSON.parse(readFileSync(join(tree.path, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean }>
    }
    const development = Object.entries(lock.packages)
      .filter(([, { dev }]) => dev === true)
      .map(([path]) => path)
    expect(development).toContain('node_modules/typescript')
    const { stdout } = inside(
      `cd /app; for path in ${development.join(' ')}; do [ ! -e "$path" ] || echo "$path"; done`
    )
    expect(stdout).toBe('')
  })

  it('runs as an ordinary user, who can write to the logs and not to the code', () => {
    const { stdout, stderr } = inside('id -u; touch /app/logs/a && echo wrote; touch /app/dist/a')
    expect(stdout).toBe('1000\nwrote\n')
    expect(stderr).toContain('Permission denied')
  })

  it.each(['logs', 'data'])('gives a named volume for the %s to that user, while all else is read-only', (name) => {
    const volume = `${image}-${name}`
    try {
      const mounted = ['--read-only', '--volume', `${volume}:/app/${name}`]
      expect(inside(`touch /app/${name}/a && echo wrote`, ...mounted).stdout).toBe('wrote\n')
    } finally {
      run('docker', ['volume', 'rm', volume])
    }
  })

  it('takes the arguments of the node', () => {
    const { code, stdout } = run('docker', ['run', '--rm', image, '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain('Usage:')
  })

  it('says why when it cannot write the log file', () => {
    const logs = mkdtempSync(join(tmpdir(), 'bootstrap-logs-'))
    chmodSync(logs, 0o755)
    if (process.getuid?.() === 1000) chmodSync(logs, 0o555)
    try {
      const { code, stderr } = run('docker', [
        'run',
        '--rm',
        '--volume',
        `${logs}:/app/logs`,
        '--env',
        'LOG_FILE=logs/node.log',
        image
      ])
      expect(code).not.toBe(0)
      expect(stderr).toContain('LOG_FILE="logs/node.log"')
      expect(stderr).toMatch(/EACCES|permission/i)
    } finally {
      rmSync(logs, { recursive: true })
    }
  })

  it('stops cleanly without an init too', async () => {
    const name = `${image}-bare`
    try {
      docker(
        'run',
        '--detach',
        '--name',
        name,
        '--env',
        'CONN_MANAGER_LOW_WATER=100',
        '--env',
        'CONN_MANAGER_HIGH_WATER=200',
        image
      )
      await until('start', 30_000, () => docker('logs', name).includes('Bootstrap node started. ID: '))
      docker('stop', name)
      expect(docker('inspect', '--format', '{{.State.ExitCode}}', name)).toBe('0')
      expect(docker('logs', name)).toContain('Shutting down bootstrap node...')
    } finally {
      run('docker', ['rm', '--force', name])
    }
  })
})

/** Runs with each compose of this machine: where the plugin is installed too, docker-compose is met by hiding it. */
const hidden = mkdtempSync(join(tmpdir(), 'bootstrap-no-plugin-'))
writeFileSync(
  join(hidden, 'docker'),
  `#!/bin/sh\n[ "$1" != compose ] || exit 1\nPATH="\${PATH#*:}" exec docker "$@"\n`,
  { mode: 0o755 }
)
afterAll(() => rmSync(hidden, { recursive: true }))

const composes = [
  { compose: 'docker compose', words: ['docker', 'compose'], path: process.env.PATH },
  { compose: 'docker-compose', words: ['docker-compose'], path: [hidden, process.env.PATH].join(delimiter) }
].filter(
  ({ words: [command = '', ...rest], path }) =>
    engine && run(command, [...rest, 'version'], { ...process.env, PATH: path }).code === 0
)

it.skipIf(!engine)('finds a compose to test', () => {
  expect(composes).not.toEqual([])
})

describe.skipIf(!engine).each(composes)('with $compose', ({ compose, words, path }) => {
  const project = `bootstraptest${compose === 'docker-compose' ? 1 : 2}x${process.pid}`
  let tree: ReturnType<typeof copyTree>
  let environment: NodeJS.ProcessEnv
  let port: number
  let profiles: number
  let id: string
  let key: string
  let running: Running | undefined

  beforeAll(async () => {
    tree = copyTree()
    const identity = await generateKeyPair('Ed25519')
    key = Buffer.from(identity.raw).toString('hex')
    id = peerIdFromPrivateKey(identity).toString()
    port = await freePort()
    profiles = await freePort()
    // the engine's own limit may be lower than what the compose file asks for
    const nofile = Number(
      docker('run', '--rm', '--entrypoint', 'sh', 'node:24-bookworm-slim', '-c', 'ulimit -Hn').replace(
        'unlimited',
        '65536'
      )
    )
    environment = {
      COMPOSE_PROJECT_NAME: project,
      PATH: path,
      HOME: process.env.HOME,
      DOCKER_CONFIG: process.env.DOCKER_CONFIG,
      DOCKER_HOST: process.env.DOCKER_HOST
    }
    writeFileSync(
      join(tree.path, '.env'),
      `PRIVATE_KEY=${key}\nPPROF_PORT=${profiles}\nLOG_FILE=logs/node.log\nCONN_MANAGER_LOW_WATER=100\nCONN_MANAGER_HIGH_WATER=200\nNOFILE_LIMIT=${Math.min(nofile, 65_536)}\nBOOTSTRAP_PORT=1\n`
    )
  }, startMs)

  const composeHere = (...args: string[]): Result => {
    const [command = '', ...rest] = words
    return run(
      command,
      [...rest, '--project-directory', tree.path, '--file', join(tree.path, 'docker-compose.yaml'), ...args],
      environment
    )
  }

  const containers = () => docker('ps', '--all', '--quiet', '--filter', `label=com.docker.compose.project=${project}`)

  /**
   * With what a container that is gone had ended. From the engine, as docker-compose 1.29 does not always print it before it
   * removes the container.
   */
  const exitCodeOf = (container: string) => {
    const filters = ['--filter', 'event=die', '--filter', `container=${container}`]
    // in whole seconds
    const times = ['--since', '10m', '--until', new Date(Date.now() + 1000).toISOString()]
    return docker('events', ...times, ...filters, '--format', '{{index .Actor.Attributes "exitCode"}}')
  }

  async function started(...args: string[]): Promise<Running> {
    running = new Running(join(tree.path, 'start.sh'), [String(port), ...args], environment)
    await running.waitFor('Bootstrap node started. ID: ', startMs)
    return running
  }

  afterEach(async () => {
    running?.signal('SIGKILL')
    await running?.ended
    running = undefined
    composeHere('down')
  })

  afterAll(() => {
    composeHere('down', '--rmi', 'local', '--volumes')
    tree?.remove()
  })

  it('is understood without a warning, and passes only what is set', () => {
    const { code, stdout, stderr } = composeHere('config')
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toContain(key)
    expect(stdout).toContain(`published: ${compose === 'docker compose' ? '"1"' : '1'}\n`)
    expect(stdout).toMatch(/PUBLIC_IP: null/)
  })

  it('needs no .env', () => {
    const bare = copyTree()
    try {
      const [command = '', ...rest] = words
      const { code, stderr } = run(
        command,
        [...rest, '--project-directory', bare.path, '--file', join(bare.path, 'docker-compose.yaml'), 'config'],
        environment
      )
      expect(stderr).toBe('')
      expect(code).toBe(0)
    } finally {
      bare.remove()
    }
  })

  it(
    'runs a healthy node that Ctrl-C takes down',
    async () => {
      const start = await started('--build')
      const container = containers()

      expect(start.output).toContain(`Bootstrap node started. ID: ${id}`)
      expect(docker('exec', container, 'cat', '/proc/1/comm')).toBe('docker-init')
      expect(
        docker('inspect', '--format', '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.RestartPolicy.Name}}', container)
      ).toBe('true unless-stopped')
      expect(await accepts(port)).toBe(true)
      expect((await fetch(`http://127.0.0.1:${profiles}/debug/pprof/`)).status).toBe(200)
      expect(docker('port', container, `${profiles}/tcp`)).toBe(`127.0.0.1:${profiles}`)

      const health = () => docker('inspect', '--format', '{{.State.Health.Status}}', container)
      await until('end of the starting phase', healthyMs, () => health() !== 'starting')
      expect(
        `${health()}: ${docker('inspect', '--format', '{{range .State.Health.Log}}{{.Output}}{{end}}', container)}`
      ).toMatch(/^healthy: /)

      start.signal('SIGINT')
      expect(await start.ended).toBe(0)
      expect(start.output).toContain('Shutting down bootstrap node...')
      expect(exitCodeOf(container)).toBe('0')
      expect(start.output).not.toContain('Error during shutdown')
      expect(containers()).toBe('')

      const log = readFileSync(join(tree.path, 'logs', 'node.log'), 'utf8')
      expect(log).toContain(`Libp2p host created with ID: ${id}`)
      expect(log).toContain('Shutting down bootstrap node...')
    },
    startMs + healthyMs
  )

  it('stops on SIGTERM', async () => {
    const start = await started()
    const container = containers()
    start.signal('SIGTERM')
    expect(await start.ended).toBe(0)
    expect(exitCodeOf(container)).toBe('0')
    expect(containers()).toBe('')
  })

  it('keeps the node when the terminal of start.sh is lost, and stop.sh stops it', async () => {
    const start = await started()
    start.signal('SIGHUP')
    await start.ended
    expect(docker('inspect', '--format', '{{.State.Status}}', containers())).toBe('running')
    expect(run(join(tree.path, 'stop.sh'), [], environment).code).toBe(0)
    expect(containers()).toBe('')
  })

  it('lets stop.sh end a start.sh that runs elsewhere', async () => {
    const start = await started()
    const container = containers()
    expect(run(join(tree.path, 'stop.sh'), [], environment).code).toBe(0)
    expect(await start.ended).toBe(0)
    expect(start.output).toContain('Shutting down bootstrap node...')
    expect(exitCodeOf(container)).toBe('0')
    expect(containers()).toBe('')
  })
})

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
