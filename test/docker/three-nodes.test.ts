import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readMembers } from '../../src/federation/members.ts'
import { identityFromKey } from '../../src/identity/identity.ts'
import { parsePrivateKey } from '../../src/identity/key-formats.ts'
import { privateKeyOf } from '../interop/harness/identity.ts'
import { type Result, root, run } from './tree.ts'

const file = join(root, 'deploy/three-nodes.compose.yaml')
const hasCompose = run('docker-compose', ['version']).code === 0

function idOf(key: string): string {
  const parsed = parsePrivateKey(key)
  if ('problem' in parsed) throw new Error(parsed.problem)
  return identityFromKey(parsed).peerId
}

const keys = ['1', '2', '3'].map((n) => privateKeyOf(`node ${n}`))
const env: Record<string, string> = {
  PUBLIC_IP: '203.0.113.7',
  ...Object.fromEntries(
    keys.flatMap((key, i) => [
      [`NODE_${i + 1}_KEY`, key],
      [`NODE_${i + 1}_ID`, idOf(key)]
    ])
  )
}

function config(environment: Record<string, string>): Result {
  return run('docker-compose', ['-f', file, 'config'], { PATH: process.env.PATH, ...environment })
}

/** The values of a setting, in the order of the services. */
function all(printed: string, name: string): string[] {
  return [...printed.matchAll(new RegExp(`^[ -]+${name}: (.*(?:\\n {8,}\\S.*)*)`, 'gm'))].map(([, value = '']) =>
    value.replaceAll(/\s+/g, ' ').replaceAll(/^['"]|['"]$/g, '')
  )
}

describe.skipIf(!hasCompose)('the compose file of three nodes', () => {
  it('gives each a key, a port and a volume of its own, and all the same list, with themselves in it', () => {
    const { code, stdout, stderr } = config(env)
    expect([code, stderr]).toEqual([0, ''])
    expect(all(stdout, 'PRIVATE_KEY')).toEqual(keys)
    expect(all(stdout, 'BOOTSTRAP_PORT')).toEqual(['4001', '4002', '4003'])
    expect(all(stdout, 'published').map(Number)).toEqual([4001, 4002, 4003])
    expect(all(stdout, 'DATA_DIR')).toEqual(keys.map(() => '/app/data'))
    // compose 1 prints `- data-1:/app/data:rw`, compose 2 a mapping with the source
    expect(new Set(stdout.match(/\bdata-\d(?=:\/app\/data|$)/gm))).toEqual(new Set(['data-1', 'data-2', 'data-3']))
    const lists = all(stdout, 'BOOTSTRAP_PEERS')
    expect(new Set(lists).size).toBe(1)
    for (const [at, key] of keys.entries()) {
      const { members, problems } = readMembers(lists[at]?.split(' ') ?? [], idOf(key))
      expect(members.map(({ id }) => id.toString())).toEqual(keys.filter((other) => other !== key).map(idOf))
      expect(problems).toEqual([expect.stringContaining('this node itself')])
    }
  })

  it.each(Object.keys(env))('asks for %s', (name) => {
    const { [name]: _missing, ...rest } = env
    const { code, stderr } = config(rest)
    expect(code).not.toBe(0)
    expect(stderr).toContain(name)
  })
})
