import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { neededBy, readLock } from '../../scripts/dependencies.ts'
import { reasons } from '../../scripts/dependency-reasons.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
const direct = Object.keys(dependencies)
const lock = readLock()
const production = Object.entries(lock).filter(([place, { dev }]) => place !== '' && dev !== true)

describe('a direct dependency', () => {
  it('has a reason, and a row in docs/dependencies.md', () => {
    expect(Object.keys(reasons).sort()).toEqual([...direct].sort())
    const rows = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` /gm)].map(([, name]) => name)
    expect(rows.sort()).toEqual([...direct].sort())
  })

  it('is imported by the code', () => {
    const files = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts')
    )
    const code = files.map((name) => read(`src/${name}`)).join('\n')
    const imported = new Set(
      [...code.matchAll(/(?:from|import|import\(|require\() ?'((?:@[\w-]+\/)?[\w-]+)/g)].map(([, name]) => name)
    )
    expect(direct.filter((name) => !imported.has(name))).toEqual([])
  })

  it('weighs with all that it needs, itself included', () => {
    const lock = {
      '': { dependencies: { a: '1', b: '1' } },
      'node_modules/a': { dependencies: { b: '1', c: '1' }, optionalDependencies: { 'not-installed': '1' } },
      'node_modules/a/node_modules/b': { dependencies: { c: '1' } },
      'node_modules/b': {},
      'node_modules/c': { peerDependencies: { a: '1' } }
    }
    const places = ['node_modules/a', 'node_modules/a/node_modules/b', 'node_modules/c']
    expect([...neededBy(lock, 'a')].sort()).toEqual(places)
    expect([...neededBy(lock, 'b')]).toEqual(['node_modules/b'])
  })
})

describe('what production installs', () => {
  it('asks for nothing but to be named', () => {
    const allowed = /^\(?(MIT|Apache-2\.0|ISC|0BSD|BSD-[23]-Clause)( (OR|AND) (MIT|Apache-2\.0))?\)?$/
    const others = production.filter(([, { license = '' }]) => !allowed.test(license))
    expect(others.map(([place, { license }]) => `${place}: ${license}`)).toEqual([])
  })

  it('needs no script at installation: who has one brings a binary, or does without', () => {
    const scripted = production.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([place]) => place)
    expect(scripted).toEqual(['node_modules/classic-level', 'node_modules/core-js'])
    for (const name of ['classic-level', 'sodium-native', '@datadog/pprof']) {
      const binaries = existsSync(new URL(`node_modules/${name}/prebuilds/`, root))
        ? readdirSync(new URL(`node_modules/${name}/prebuilds/`, root))
        : []
      expect(binaries, name).toEqual(expect.arrayContaining(['linux-x64', 'linux-arm64']))
    }
  })

  it('stands in the bill of materials, each package with its licence', () => {
    const text = execFileSync('npm', ['run', '--silent', 'sbom'], { cwd: fileURLToPath(root), encoding: 'utf8' })
    const bill = JSON.parse(text) as {
      bomFormat: string
      components: { name: string; version: string; purl: string; licenses?: unknown[] }[]
    }
    expect(bill.bomFormat).toBe('CycloneDX')
    const listed = new Set(bill.components.map(({ purl }) => purl))
    const locked = production.map(([place, { version }]) => {
      const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)
      return `pkg:npm/${name.replace('@', '%40')}@${version}`
    })
    expect([...listed].sort()).toEqual([...new Set(locked)].sort())
    expect(bill.components.filter(({ licenses = [] }) => licenses.length === 0)).toEqual([])
  })
})
