import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { copyTree, type Result, Running, root, run, scripts, until } from './tree.ts'

/**
 * Stands in for `docker compose` and `docker-compose`: writes down how it was called. `up` stays until `down` was
 * called (the container is gone), or with STUB_UP=deaf until it gets a signal (it is still creating the container).
 */
const stub = `#!/usr/bin/env bash
said() { echo "$1" >>"$STUB_CALLS"; }
tool="\${0##*/}"
if [ "$tool" = docker ]; then
  [ "\${1-}" = compose ] && [ "\${STUB_PLUGIN-}" = yes ] || exit 1
  [ "\${2-}" != version ] || exit 0
  tool='docker compose'; shift
fi
said "$tool $* port=\${BOOTSTRAP_PORT-} in=$PWD"
trap 'said "$1 got INT"; exit 130' INT
trap 'said "$1 got TERM"; exit 143' TERM
code="STUB_EXIT_\${1-}"
if [ "\${1-}" = up ] && [ -z "\${!code-}" ]; then
  echo "attached"
  # without the file the test is over, whatever became of start.sh
  while [ -e "$STUB_CALLS" ] && { [ "\${STUB_UP-}" = deaf ] || ! grep -q ' down ' "$STUB_CALLS"; }; do sleep 0.1; done
fi
exit "\${!code-0}"
`

const tools = 'bash env basename dirname cat find grep id mkdir chmod chown seq sleep'.split(' ')

let tree: ReturnType<typeof copyTree>
let home: string
let running: Running | undefined

beforeEach(() => {
  tree = copyTree()
  home = mkdtempSync(join(tmpdir(), 'bootstrap-stubs-'))
  for (const name of ['tools', 'plugin', 'standalone']) mkdirSync(join(home, name))
  for (const tool of tools) symlinkSync(whereIs(tool), join(home, 'tools', tool))
  for (const path of ['plugin/docker', 'standalone/docker-compose']) {
    writeFileSync(join(home, path), stub)
    chmodSync(join(home, path), 0o755)
  }
  writeFileSync(join(home, 'calls'), '')
})

afterEach(async () => {
  running?.signal('SIGKILL')
  await running?.ended
  running = undefined
  tree.remove()
  rmSync(home, { recursive: true, force: true })
})

function whereIs(tool: string): string {
  const found = (process.env.PATH ?? '').split(delimiter).find((directory) => existsSync(join(directory, tool)))
  if (found === undefined) throw new Error(`no ${tool} on the PATH`)
  return join(found, tool)
}

type Installed = 'plugin' | 'standalone'

/** Nothing of this machine's Docker is on the PATH, only what a test asks for. */
function environment(installed: readonly Installed[], more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return {
    PATH: [...installed, 'tools'].map((name) => join(home, name)).join(delimiter),
    STUB_CALLS: join(home, 'calls'),
    STUB_PLUGIN: installed.includes('plugin') ? 'yes' : 'no',
    ...more
  }
}

function script(
  name: string,
  args: readonly string[],
  installed: readonly Installed[],
  more?: NodeJS.ProcessEnv
): Result {
  return run(join(tree.path, name), args, environment(installed, more))
}

function calls(): string[] {
  return readFileSync(join(home, 'calls'), 'utf8').trim().split('\n').filter(Boolean)
}

/** How compose was called, without the port and the directory. */
function commands(): string[] {
  return calls().map((call) => call.replace(/ port=.*/, ''))
}

async function started(args: readonly string[] = [], more?: NodeJS.ProcessEnv): Promise<Running> {
  running = new Running(join(tree.path, 'start.sh'), args, environment(['plugin'], more))
  await running.waitFor('attached', 10_000)
  return running
}

/** Ends `up` at once with this code. */
const upEnds = (code: number) => ({ STUB_EXIT_up: String(code) })

describe('the choice of compose', () => {
  it.each([
    ['start.sh', 'up'],
    ['stop.sh', 'down'],
    ['build-docker.sh', 'build']
  ])('%s prefers the plugin', (name, command) => {
    expect(script(name, [], ['plugin', 'standalone'], upEnds(0)).code).toBe(0)
    expect(commands()).toEqual([`docker compose ${command}`])
  })

  it.each([
    ['start.sh', 'up'],
    ['stop.sh', 'down'],
    ['build-docker.sh', 'build']
  ])('%s takes docker-compose where docker has no compose', (name, command) => {
    writeFileSync(join(home, 'standalone', 'docker'), '#!/usr/bin/env bash\nexit 1\n')
    chmodSync(join(home, 'standalone', 'docker'), 0o755)
    expect(script(name, [], ['standalone'], upEnds(0)).code).toBe(0)
    expect(commands()).toEqual([`docker-compose ${command}`])
  })

  it.each(['start.sh', 'stop.sh', 'build-docker.sh'])('%s says what is missing where there is neither', (name) => {
    const { code, stderr } = script(name, [], [])
    expect(code).toBe(127)
    expect(stderr).toContain(`${name}: neither "docker compose" nor "docker-compose" is installed`)
  })

  it.each(['start.sh', 'stop.sh', 'build-docker.sh'])('%s explains itself without compose', (name) => {
    const { code, stdout } = script(name, ['--help'], [])
    expect(code).toBe(0)
    expect(stdout).toContain(`Usage: ./${name}`)
    expect(stdout).toContain('Exit code: 0 ')
  })
})

describe('start.sh', () => {
  it('runs compose in the directory of the project', () => {
    script('start.sh', [], ['plugin'], upEnds(0))
    expect(calls()[0]).toContain(`in=${tree.path}`)
  })

  it('leaves the port to .env and the environment where no argument names one', () => {
    script('start.sh', [], ['plugin'], upEnds(0))
    script('start.sh', [], ['plugin'], { ...upEnds(0), BOOTSTRAP_PORT: '9100' })
    expect(calls()).toEqual([expect.stringContaining('up port= in='), expect.stringContaining('up port=9100 in=')])
  })

  it('puts the port argument above the environment', () => {
    script('start.sh', ['9101'], ['plugin'], { ...upEnds(0), BOOTSTRAP_PORT: '9100' })
    expect(calls()[0]).toContain('up port=9101 in=')
  })

  it.each([[['--build']], [['9100', '--build']], [['--build', '9100']]])('builds before it runs: %j', (args) => {
    expect(script('start.sh', args, ['plugin'], upEnds(0)).code).toBe(0)
    expect(commands()).toEqual(['docker compose build', 'docker compose up'])
  })

  it('does not run what it could not build', () => {
    expect(script('start.sh', ['--build'], ['plugin'], { ...upEnds(0), STUB_EXIT_build: '17' }).code).toBe(17)
    expect(commands()).toEqual(['docker compose build'])
  })

  it.each([
    [['0'], 'bad port "0"'],
    [['65536'], 'bad port "65536"'],
    [['04001'], 'bad port "04001"'],
    [['abc'], 'bad port "abc"'],
    [['4001x'], 'bad port "4001x"'],
    [['99999999999999999999'], 'bad port "99999999999999999999"'],
    [[''], 'bad port ""'],
    [['4001', '4002'], 'one port, not two: 4001 and 4002'],
    [['--biuld'], 'unknown option --biuld'],
    [['-1'], 'unknown option -1']
  ])('refuses %j with exit code 2 and does nothing', (args, problem) => {
    const { code, stderr } = script('start.sh', args, ['plugin'], upEnds(0))
    expect(code).toBe(2)
    expect(stderr).toContain(`start.sh: ${problem}`)
    expect(calls()).toEqual([])
  })

  it.each([1, 65_535])('takes port %i', (port) => {
    expect(script('start.sh', [String(port)], ['plugin'], upEnds(0)).code).toBe(0)
    expect(calls()[0]).toContain(`port=${port} in=`)
  })

  it('ends with the exit code of compose when the node could not be run', () => {
    expect(script('start.sh', [], ['plugin'], upEnds(14)).code).toBe(14)
    expect(commands()).toEqual(['docker compose up'])
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'takes the container down on %s, and compose sees no second party',
    async (signal) => {
      const start = await started()
      start.signal(signal)
      expect(await start.ended).toBe(0)
      expect(commands()).toEqual(['docker compose up', 'docker compose down'])
    }
  )

  it('ends with the exit code of a down that failed', async () => {
    const start = await started([], { STUB_EXIT_down: '9' })
    start.signal('SIGTERM')
    expect(await start.ended).toBe(9)
  })

  it('interrupts a compose that is still creating the container, and removes what it made', async () => {
    const start = await started([], { STUB_UP: 'deaf' })
    start.signal('SIGINT')
    expect(await start.ended).toBe(0)
    expect(commands()).toEqual(['docker compose up', 'docker compose down', 'up got INT', 'docker compose down'])
  })

  it('leaves the container alone when only its terminal is lost', async () => {
    const start = await started()
    start.signal('SIGHUP')
    await start.ended
    expect(commands()).toEqual(['docker compose up'])
  })

  it("makes ./logs so that the container's user can write there", () => {
    script('start.sh', [], ['plugin'], upEnds(0))
    expectWritableByNode(join(tree.path, 'logs'))
  })

  it.runIf(process.getuid?.() === 0)('takes over logs that a container of root left', () => {
    mkdirSync(join(tree.path, 'logs'), { mode: 0o755 })
    writeFileSync(join(tree.path, 'logs', 'node.log'), '', { mode: 0o644 })
    const { stderr } = script('start.sh', [], ['plugin'], upEnds(0))
    expect(stderr).toBe('')
    expectWritableByNode(join(tree.path, 'logs'))
    expectWritableByNode(join(tree.path, 'logs', 'node.log'))
  })

  it("says what to do about logs that it cannot make writable for the container's user", () => {
    // a link to nowhere: neither can it be made a directory nor written to
    symlinkSync('/nonexistent/logs', join(tree.path, 'logs'))
    const { code, stderr } = script('start.sh', [], ['plugin'], upEnds(0))
    expect(stderr).toContain(`sudo chown -R 1000:1000 ${tree.path}/logs`)
    expect(code).toBe(0)
  })
})

function expectWritableByNode(path: string): void {
  const { uid, mode } = statSync(path)
  expect(uid === 1000 || (mode & 0o002) !== 0, `${path} has uid ${uid}, mode ${mode.toString(8)}`).toBe(true)
}

describe('stop.sh', () => {
  it('ends a start.sh that is running', async () => {
    const start = await started()
    expect(script('stop.sh', [], ['plugin']).code).toBe(0)
    expect(await start.ended).toBe(0)
    await until('end of compose', 5_000, () => commands().length === 2)
  })

  it('ends with the exit code of compose', () => {
    expect(script('stop.sh', [], ['plugin'], { STUB_EXIT_down: '5' }).code).toBe(5)
  })

  it('refuses arguments with exit code 2 and stops nothing', () => {
    const { code, stderr } = script('stop.sh', ['now'], ['plugin'])
    expect(code).toBe(2)
    expect(stderr).toContain('stop.sh: unknown argument now')
    expect(calls()).toEqual([])
  })
})

describe('build-docker.sh', () => {
  it('hands its options to compose', () => {
    expect(script('build-docker.sh', ['--pull', '--no-cache'], ['plugin']).code).toBe(0)
    expect(commands()).toEqual(['docker compose build --pull --no-cache'])
  })

  it('ends with the exit code of compose', () => {
    expect(script('build-docker.sh', [], ['plugin'], { STUB_EXIT_build: '17' }).code).toBe(17)
  })
})

describe('the scripts', () => {
  it('pass shellcheck', () => {
    const { status, stdout, error } = spawnSync('shellcheck', ['-x', ...scripts], { cwd: root, encoding: 'utf8' })
    if (error !== undefined)
      throw new Error('shellcheck is not installed: apt-get install shellcheck, brew install shellcheck')
    expect(stdout).toBe('')
    expect(status).toBe(0)
  })
})
