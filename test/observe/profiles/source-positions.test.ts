import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Frame } from '../../../src/observe/profiles/frame.ts'
import { SourcePositions } from '../../../src/observe/profiles/source-positions.ts'

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'positions-'))
  // line 1 -> source line 1, line 2 -> source line 11 (VLQ: 'U' = +10), both from column 0
  const map = { version: 3, file: 'a.js', sources: ['../src/a.ts'], names: [], mappings: 'AAAA;AAUA' }
  await writeFile(join(directory, 'a.js.map'), JSON.stringify(map))
  await writeFile(join(directory, 'broken.js.map'), '{')
})

afterAll(() => rm(directory, { recursive: true }))

function frame(file: string, line: number, name = 'f'): Frame {
  return {
    name,
    url: file.includes(':') || file === '' ? file : pathToFileURL(join(directory, file)).href,
    line,
    column: 9
  }
}

async function resolved(...frames: Frame[]) {
  const positions = await new SourcePositions().resolve(frames)
  return frames.map((each) => positions.get(each))
}

describe('source positions', () => {
  it('go through the map next to the file', async () => {
    const file = join(directory, '../src/a.ts')
    expect(await resolved(frame('a.js', 1), frame('a.js', 2))).toEqual([
      { name: 'f', file, line: 1 },
      { name: 'f', file, line: 11 }
    ])
  })

  it('tell anonymous functions apart', async () => {
    const names = (await resolved(frame('a.js', 2, ''), frame('', 0, ''))).map((position) => position?.name)
    expect(names).toEqual(['(anonymous) a.ts:11', '(anonymous)'])
  })

  it.each(['missing.js', 'broken.js'])('stay as they are where the map is of no use: %s', async (file) => {
    expect(await resolved(frame(file, 5))).toEqual([{ name: 'f', file: join(directory, file), line: 5 }])
  })

  it.each(['node:net', 'file://other-host/x.js', 'webpack:///x.js', ''])(
    'keep a URL that is no local file: "%s"',
    async (url) => {
      expect(await resolved(frame(url, 5))).toEqual([{ name: 'f', file: url, line: 5 }])
    }
  )

  it('hold a bounded number, and are whole at the bound', async () => {
    const positions = new SourcePositions(10)
    const frames = Array.from({ length: 25 }, (_, index) => frame('missing.js', index + 1))
    expect((await positions.resolve(frames)).size).toBe(25)
    expect(positions.size).toBeLessThanOrEqual(10)
  })
})
