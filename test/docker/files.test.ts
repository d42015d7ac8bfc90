import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { settings } from '../../src/config/settings.ts'
import { root } from './tree.ts'

const read = (name: string) => readFileSync(join(root, name), 'utf8')

/** Of compose alone: the node knows nothing of it. */
const ofCompose = { NOFILE_LIMIT: '65536' }

describe('.env.example', () => {
  const lines = read('.env.example').trim().split('\n')

  it('names every setting with its default, and nothing else', () => {
    const shown = lines
      .flatMap((line) => [...line.matchAll(/^# ([A-Z][A-Z0-9_]*)=(.*)$/g)])
      .map(([, name, value]) => [name, value])
    const known = Object.entries(settings).map(([name, { fallback }]) => [name, fallback ?? ''])
    expect(new Map(shown as Array<[string, string]>)).toEqual(
      new Map([...known, ...Object.entries(ofCompose)] as Array<[string, string]>)
    )
    expect(shown).toHaveLength(known.length + Object.keys(ofCompose).length)
  })

  it('changes nothing when it is copied as it is', () => {
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([])
  })
})

describe('docker-compose.yaml', () => {
  it('hands every setting to the node', () => {
    const [, section = ''] = read('docker-compose.yaml').match(/^ {4}environment:\n((?: {6}.*\n)+)/m) ?? []
    const passed = [...section.matchAll(/^ {6}- ([A-Z0-9_]+)(?:=.*)?$/gm)].map(([, name]) => name)
    expect(passed.toSorted()).toEqual(Object.keys(settings).toSorted())
  })
})
