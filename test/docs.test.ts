import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const folders = ['.ci', '.github', 'bench', 'deploy', 'docs', 'examples', 'scripts', 'src', 'test']
const files = [
  ...readdirSync(root),
  ...folders.flatMap((folder) =>
    readdirSync(`${root}/${folder}`, { recursive: true }).map((name) => `${folder}/${name}`)
  )
]
const documents = files.filter((name) => /^(docs\/)?[^/]+\.md$/.test(name))

/** What stands in code style and ends as a file of this project does. */
const pathPattern = /`(?:\.\/)?([\w./-]+\.(?:ts|mjs|sh|ya?ml|service|socket))`/g

/** A room's path may be left out where the one before it names the room. */
function isThere(path: string): boolean {
  return files.some((name) => name === path || name.endsWith(`/${path}`))
}

it.each(documents)('the files that %s names are there', (name) => {
  const named = [...readFileSync(`${root}/${name}`, 'utf8').matchAll(pathPattern)].map(([, path = '']) => path)
  expect(named.filter((path) => !isThere(path))).toEqual([])
})
