// Writes the generated part of docs/dependencies.md: what each direct dependency weighs. Needs the installed packages.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { markdownTable } from 'markdown-table'
import { reasons } from './dependency-reasons.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

export interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly license?: string
  readonly version?: string
  readonly dev?: boolean
  readonly hasInstallScript?: boolean
}

/** package-lock.json: by the place in the tree; the root is ''. */
export type Lock = Readonly<Record<string, LockedPackage>>

export function readLock(): Lock {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Lock }
  return packages
}

/** The places of a package and of all that it needs, as Node finds them. */
export function neededBy(lock: Lock, name: string): Set<string> {
  const found = new Set<string>()
  const waiting = [place(lock, '', name)]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (found.has(at)) continue
    found.add(at)
    const { dependencies, optionalDependencies, peerDependencies } = lock[at] ?? {}
    for (const other of Object.keys({ ...peerDependencies, ...optionalDependencies, ...dependencies })) {
      const of = place(lock, at, other)
      if (of !== undefined) waiting.push(of)
    }
  }
  return found
}

/** In the nearest node_modules upwards that has it; undefined: an optional one that is not installed. */
function place(lock: Lock, from: string, name: string): string | undefined {
  const here = `${from === '' ? '' : `${from}/`}node_modules/${name}`
  if (here in lock) return here
  return from === '' ? undefined : place(lock, from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))), name)
}

/** Bytes of the files of one package, without those of packages inside. */
function installedBytes(directory: string): number {
  let bytes = 0
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) bytes += entry.name === 'node_modules' ? 0 : installedBytes(path)
    else if (entry.isFile()) bytes += statSync(path).size
  }
  return bytes
}

const bytesOf = (places: Iterable<string>): number =>
  [...places].reduce((sum, place) => sum + installedBytes(join(root, place)), 0)

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)

/** A row for each direct dependency. */
export function dependencyTable(): string {
  const lock = readLock()
  const names = Object.keys(lock['']?.dependencies ?? {})
  const needed = new Map(names.map((name) => [name, neededBy(lock, name)]))
  const rows = names.map((name) => {
    const own = needed.get(name) ?? new Set<string>()
    const others = new Set([...needed].filter(([other]) => other !== name).flatMap(([, places]) => [...places]))
    const alone = [...own].filter((one) => !others.has(one))
    const { license = '?' } = lock[`node_modules/${name}`] ?? {}
    return [
      `\`${name}\``,
      reasons[name] ?? '',
      keeperOf(name),
      license,
      `${megabytes(bytesOf(own))} in ${own.size}`,
      alone.length === 0 ? '–' : `${megabytes(bytesOf(alone))} in ${alone.length}`
    ]
  })
  const all = new Set([...needed.values()].flatMap((places) => [...places]))
  const total = ['**all**', '', '', '', `${megabytes(bytesOf(all))} in ${all.size}`, '']
  const head = ['package', 'for', 'kept at', 'licence', 'MB in packages, with what it needs', 'would go with it']
  return markdownTable([head, ...rows, total])
}

function keeperOf(name: string): string {
  const file = join(root, 'node_modules', name, 'package.json')
  const { repository } = JSON.parse(readFileSync(file, 'utf8')) as { repository?: string | { url?: string } }
  const url = typeof repository === 'string' ? repository : (repository?.url ?? '')
  return url
    .replace(/^(git\+)?(https|ssh|git):\/\/(git@)?|^github:/, '')
    .replace(/\.git$/, '')
    .replace(/^github\.com\//, '')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = join(root, 'docs/dependencies.md')
  const between = /(<!-- dependencies -->\n)[\s\S]*?(<!-- \/dependencies -->)/
  const table = dependencyTable()
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(between, (_all, from, to) => `${from}${table}\n${to}`)
  )
}
