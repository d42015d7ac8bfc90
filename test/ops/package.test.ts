import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../support/port.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** A project of somebody else, which has installed what `npm pack` made. */
let project: string
let packed: string[]

const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }
})

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'project-'))
  // what was built just now is packed
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', project]
  const [{ filename, files }] = JSON.parse(execFileSync('npm', pack, { cwd: root, encoding: 'utf8' }))
  packed = files.map(({ path }: { path: string }) => path)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }))
  const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', `./${filename}`]
  execFileSync('npm', install, { cwd: project, stdio: ['ignore', 'ignore', 'inherit'] })
})

function start(command: string, ...args: string[]): { child: ChildProcess; text: () => string } {
  const child = spawn(command, args, { cwd: project, env: { PATH: process.env.PATH, LISTEN_ADDRESS: '127.0.0.1' } })
  children.push(child)
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk))
  return { child, text: () => text }
}

describe('the package', () => {
  it('holds what is run, read and imported, and nothing else', () => {
    const top = new Set(packed.map((path) => path.split('/')[0]))
    expect([...top].sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'LICENSE-APACHE',
      'LICENSE-MIT',
      'README.md',
      'dist',
      'examples',
      'package.json'
    ])
  })

  it('has a program that runs', async () => {
    const bin = join(project, 'node_modules/.bin/powerloom-bootstrap-node')
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(execFileSync(bin, ['--version'], { cwd: project, encoding: 'utf8' })).toBe(`${version}\n`)
    const node = start(bin, '--port', String(await freePort()), '--admin-port', '0')
    await expect.poll(() => node.text(), { timeout: 30_000 }).toContain('Bootstrap node started. ID: ')
    node.child.kill('SIGTERM')
    expect((await once(node.child, 'exit'))[0]).toBe(0)
  })

  it('has types under which the example compiles, and the example runs', async () => {
    copyFileSync(join(project, 'node_modules/@powerloom/bootstrap-node/examples/embed.ts'), join(project, 'embed.ts'))
    const options = { target: 'ES2023', lib: ['ES2024'], module: 'NodeNext', strict: true, types: ['node'] }
    // the types of Node are the importer's own
    const typeRoots = [join(root, 'node_modules/@types')]
    const tsconfig = { compilerOptions: { ...options, typeRoots, skipLibCheck: true }, files: ['embed.ts'] }
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(tsconfig))
    execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.json'], { cwd: project, stdio: 'inherit' })
    expect(readdirSync(project)).toContain('embed.js')

    const example = start(process.execPath, 'embed.js')
    await expect
      .poll(() => example.text(), { timeout: 30_000 })
      .toMatch(/^listening on \/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3KooW/)
    const [, address = ''] = example.text().match(/listening on (\S+)/) ?? []
    const bin = join(project, 'node_modules/.bin/powerloom-bootstrap-node')
    const check = start(bin, 'check', address)
    expect((await once(check.child, 'exit'))[0], check.text()).toBe(0)
    await expect.poll(() => example.text()).toMatch(/came; 1 peers are connected/)
    example.child.kill('SIGTERM')
    expect((await once(example.child, 'exit'))[0]).toBe(0)
    expect(example.text()).toMatch(/closed\n$/)
  })
})
