import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { copyTree, run, until } from './tree.ts'

const engine = run('docker', ['info']).code === 0
if (!engine) process.stderr.write('\nDOCKER TESTS DID NOT RUN: no Docker engine\n\n')

const startMs = 240_000
const closed = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges']

function docker(...args: string[]): string {
  const { code, stdout, stderr } = run('docker', args)
  if (code !== 0) throw new Error(`docker ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`)
  return stdout.trim()
}

describe.skipIf(!engine)('the image with a read-only root, no capability and no new privileges', () => {
  const image = `bootstrap-hardening-test-${process.pid}`
  const name = `${image}-node`
  let tree: ReturnType<typeof copyTree>

  beforeAll(async () => {
    tree = copyTree()
    docker('build', '--tag', image, tree.path)
    docker(
      'run',
      '--detach',
      '--name',
      name,
      ...closed,
      '--env',
      'PPROF_PORT=6060',
      // no more than any machine has files for, which would be worth a warning
      '--env',
      'CONN_MANAGER_LOW_WATER=100',
      '--env',
      'CONN_MANAGER_HIGH_WATER=200',
      '--env',
      'DATA_DIR=/app/data',
      '--volume',
      '/app/data',
      image
    )
    await until('start', 60_000, () => docker('logs', name).includes('Bootstrap node started. ID: '))
  }, startMs)

  afterAll(() => {
    run('docker', ['rm', '--force', '--volumes', name])
    run('docker', ['rmi', '--force', image])
    tree?.remove()
  })

  const inside = (script: string) => run('docker', ['exec', name, 'sh', '-c', script]).stdout.trim()

  it('serves clients, with all its binaries', () => {
    expect(docker('exec', name, 'node', 'dist/main.js', 'check')).toMatch(/^OK: /m)
    const log = docker('logs', name)
    // the store and the heap sampler are native, too
    expect(log).not.toMatch(/no heap profiles|the state|ERROR/)
    expect(inside('ls /app/data')).toContain('identity')
  })

  it('has given everything away that could be misused', () => {
    const status = inside('cat /proc/1/status')
    expect(status).toMatch(/^Uid:\t1000\t1000\t1000\t1000$/m)
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      expect(status).toMatch(new RegExp(`^${set}:\t0+$`, 'm'))
    expect(
      inside('for at in / /app /app/dist /app/logs /tmp /etc; do touch "$at/x" 2>/dev/null && echo "$at"; done')
    ).toBe('')
  })

  it('stops when it is told to', () => {
    docker('stop', name)
    expect(docker('inspect', '--format', '{{.State.ExitCode}}', name)).toBe('0')
  })
})
