import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { LevelStore } from '../../src/state/level-store.ts'
import { collectedLog } from '../support/log.ts'

const open: LevelStore[] = []
afterEach(async () => {
  for (const store of open.splice(0)) await store.close()
})

const folder = () => mkdtempSync(join(tmpdir(), 'state-'))

const wallTime = () => Date.UTC(2026, 10, 23, 10, 34, 16, 123)

async function storeIn(dataDir: string) {
  const { logger, lines } = collectedLog()
  const onReplaced = vi.fn<() => void>()
  const store = new LevelStore(dataDir, { logger, onReplaced, wallTimeMs: wallTime })
  open.push(store)
  await store.open()
  return { store, lines, logger, onReplaced }
}

async function read(store: LevelStore, prefix = ''): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for await (const [key, value] of store.entries(prefix)) {
    if (value !== undefined) found.set(key, Buffer.from(value).toString('latin1'))
  }
  return found
}

const changes = (entries: Record<string, string | undefined>) =>
  new Map(Object.entries(entries).map(([key, value]) => [key, value === undefined ? undefined : Buffer.from(value)]))

/** Enough for tables, not only a log: the values are no smaller when compressed. */
async function filled(dataDir: string, count = 6000): Promise<Map<string, string>> {
  const { store } = await storeIn(dataDir)
  const batch = new Map<string, Uint8Array>()
  for (let n = 0; n < count; n++) batch.set(`key ${n}`, Buffer.from(`${n}: ${Math.sin(n)} ${Math.cos(n)}`))
  await store.write(batch)
  await store.close()
  // the log becomes a table when it is opened again
  const again = await storeIn(dataDir)
  await again.store.close()
  return new Map([...batch].map(([key, value]) => [key, Buffer.from(value).toString()]))
}

const filesOf = (dataDir: string, pattern: RegExp) =>
  readdirSync(join(dataDir, 'state'))
    .filter((file) => pattern.test(file))
    .map((file) => join(dataDir, 'state', file))

const asideIn = (dataDir: string) => readdirSync(dataDir).filter((name) => name.startsWith('state.'))

describe('a store', () => {
  it('keeps what was written, in the order of the keys, and removes', async () => {
    const dataDir = folder()
    const { store } = await storeIn(dataDir)
    await store.write(changes({ b: '2', a: '1', c: '3' }))
    await store.write(changes({ b: undefined, d: '4', c: 'new' }))
    await store.close()
    const again = await storeIn(dataDir)
    expect([...(await read(again.store))]).toEqual([
      ['a', '1'],
      ['c', 'new'],
      ['d', '4']
    ])
    expect(again.lines).toEqual([])
  })

  it('finds by any prefix what begins with it, whatever bytes', async () => {
    const { store } = await storeIn(folder())
    const key = fc.string({ unit: fc.constantFrom('\0', 'a', 'b', '\xfe', '\xff'), minLength: 1, maxLength: 4 })
    const kept = new Map<string, string>()
    await fc.assert(
      fc.asyncProperty(fc.array(key), key, async (keys, prefix) => {
        await store.write(new Map(keys.map((name) => [name, Buffer.from(name, 'latin1')])))
        for (const name of keys) kept.set(name, name)
        const wanted = [...kept.keys()].filter((name) => name.startsWith(prefix)).toSorted()
        expect([...(await read(store, prefix)).keys()]).toEqual(wanted)
      }),
      { numRuns: 50 }
    )
    expect(await read(store)).toEqual(kept)
  })

  it('closed is not opened again by a late write, and is given back', async () => {
    const dataDir = folder()
    const { store } = await storeIn(dataDir)
    expect(readFileSync(join(dataDir, 'pid'), 'utf8')).toBe(`${process.pid}\n`)
    await Promise.all([store.close(), store.close()])
    await expect(store.write(changes({ a: '1' }))).rejects.toThrow('closed')
    expect(readdirSync(dataDir)).toEqual(['state'])
  })

  it('in use is refused to a second', async () => {
    const dataDir = folder()
    await storeIn(dataDir)
    await expect(storeIn(dataDir)).rejects.toMatchObject({ trouble: 'locked' })
    expect(asideIn(dataDir)).toEqual([])
  })

  it('is for its owner alone', async () => {
    const dataDir = join(folder(), 'new')
    await storeIn(dataDir)
    expect(statSync(dataDir).mode & 0o777).toBe(0o700)
  })
})

describe('a store that cannot be read', () => {
  it('for now says so, and does not end as if there were no more; nothing is repaired', async () => {
    const dataDir = folder()
    const wanted = await filled(dataDir)
    const table = filesOf(dataDir, /\.ldb$/)[0]!
    renameSync(table, join(dataDir, 'table'))
    // as a disk that fails, or too many open files: no error of the store
    symlinkSync(table, table)
    const { store, lines, onReplaced } = await storeIn(dataDir)
    await store.write(changes({ 'a key before': '1' }))
    await expect(read(store)).rejects.toMatchObject({
      trouble: 'unusable',
      message: expect.stringMatching(/symbolic links/)
    })
    expect([store.setAside, lines]).toEqual([[], []])
    expect(onReplaced).not.toHaveBeenCalled()
    await store.write(changes({ more: '1' }))
    await store.close()
    rmSync(table)
    renameSync(join(dataDir, 'table'), table)
    const again = await storeIn(dataDir)
    expect((await read(again.store)).size).toBe(wanted.size + 2)
  })

  it('as it is not open is opened, or says why it cannot be', async () => {
    const dataDir = folder()
    const first = await storeIn(dataDir)
    await first.store.write(changes({ a: '1' }))
    const second = new LevelStore(dataDir, { logger: first.logger })
    await expect(read(second)).rejects.toMatchObject({ trouble: 'locked' })
    await first.store.close()
    await expect(read(first.store)).rejects.toThrow('closed')
    open.push(second)
    expect(await read(second)).toEqual(new Map([['a', '1']]))
  })
})

describe('a damaged store', () => {
  const overwrite = (path: string, at: number, bytes: number) => {
    const content = readFileSync(path)
    content.fill(0x5a, at, Math.min(at + bytes, content.length))
    writeFileSync(path, content)
  }

  it.each<[what: string, damage: (dataDir: string) => void]>([
    ['a MANIFEST of garbage', (dataDir) => overwrite(filesOf(dataDir, /^MANIFEST/)[0]!, 0, 1000)],
    ['a MANIFEST that is cut off', (dataDir) => truncateSync(filesOf(dataDir, /^MANIFEST/)[0]!, 10)],
    ['no MANIFEST', (dataDir) => rmSync(filesOf(dataDir, /^MANIFEST/)[0]!)],
    ['an empty CURRENT', (dataDir) => truncateSync(join(dataDir, 'state', 'CURRENT'), 0)],
    ['no CURRENT', (dataDir) => rmSync(join(dataDir, 'state', 'CURRENT'))]
  ])('with %s is set aside, and what its tables hold is there', async (_what, damage) => {
    const dataDir = folder()
    const wanted = await filled(dataDir)
    damage(dataDir)
    const before = readdirSync(join(dataDir, 'state'))
    const { store, lines, onReplaced } = await storeIn(dataDir)
    expect(onReplaced).toHaveBeenCalledOnce()
    expect(await read(store)).toEqual(wanted)
    const aside = join(dataDir, 'state.damaged-2026-11-23T10-34-16.123Z')
    expect(store.setAside).toEqual([aside])
    expect(readdirSync(aside)).toEqual(expect.arrayContaining(before.filter((file) => !file.startsWith('LOG'))))
    expect(lines.map(({ level }) => level)).toEqual(['error', 'error'])
    expect(lines[0]?.text).toMatch(/is damaged: /)
    expect(lines[1]?.text).toMatch(/kept in .*state\.damaged-.*what could be read/)
    await store.write(changes({ more: '1' }))
    await store.close()
    const again = await storeIn(dataDir)
    expect((await read(again.store)).size).toBe(wanted.size + 1)
    expect(again.lines).toEqual([])
    expect(asideIn(dataDir)).toHaveLength(1)
  })

  it.each<[what: string, damage: (dataDir: string) => void]>([
    ['a file instead of a folder', (dataDir) => writeFileSync(join(dataDir, 'state'), 'hello')],
    [
      'files of another program',
      (dataDir) => {
        mkdirSync(join(dataDir, 'state', 'CURRENT'), { recursive: true })
        writeFileSync(join(dataDir, 'state', 'CURRENT', 'notes'), 'hello')
      }
    ]
  ])('that is %s is set aside, and an empty one takes its place', async (_what, damage) => {
    const dataDir = folder()
    damage(dataDir)
    const { store, lines } = await storeIn(dataDir)
    expect(await read(store)).toEqual(new Map())
    expect(existsSync(store.setAside[0]!)).toBe(true)
    expect(lines.at(-1)).toMatchObject({ level: 'error', text: expect.stringMatching(/state\.damaged-/) })
    await store.write(changes({ a: '1' }))
    expect(await read(store)).toEqual(new Map([['a', '1']]))
  })

  it('never takes the name of what was set aside before', async () => {
    const dataDir = folder()
    for (const text of ['first', 'second', 'third']) {
      rmSync(join(dataDir, 'state'), { recursive: true, force: true })
      writeFileSync(join(dataDir, 'state'), text)
      const { store } = await storeIn(dataDir)
      await store.close()
    }
    expect(asideIn(dataDir).map((name) => readFileSync(join(dataDir, name), 'utf8'))).toEqual([
      'first',
      'second',
      'third'
    ])
  })

  it('with a table that is cut off is found when it is read, and the reading goes on', async () => {
    const dataDir = folder()
    const wanted = await filled(dataDir)
    const { store: more } = await storeIn(dataDir)
    await more.write(changes({ 'key of the log': 'kept' }))
    await more.close()
    const table = filesOf(dataDir, /\.ldb$/)[0]!
    copyFileSync(table, join(dataDir, 'table'))
    truncateSync(table, Math.floor(statSync(table).size / 2))
    const { store, lines } = await storeIn(dataDir)
    const found = await read(store)
    expect(found.get('key of the log')).toBe('kept')
    for (const [key, value] of found) if (key !== 'key of the log') expect(value).toBe(wanted.get(key))
    expect(store.setAside).toHaveLength(1)
    expect(lines.length).toBeGreaterThan(0)
    await store.write(changes({ a: '1' }))
  })

  it('is repaired once when two find out at the same time, and both read on', async () => {
    const dataDir = folder()
    const wanted = await filled(dataDir)
    const table = filesOf(dataDir, /\.ldb$/)[0]!
    overwrite(table, Math.floor(statSync(table).size / 2), 4096)
    const { store } = await storeIn(dataDir)
    const [one, other] = await Promise.all([read(store), read(store)])
    expect(one).toEqual(other)
    expect(one.size).toBeGreaterThan(wanted.size / 2)
    for (const [key, value] of one) expect(value).toBe(wanted.get(key))
    expect(store.setAside).toHaveLength(1)
  })

  it('that cannot be copied stays where it is, and is repaired once it can: nothing of it is lost', async () => {
    const dataDir = folder()
    const wanted = await filled(dataDir)
    truncateSync(filesOf(dataDir, /^MANIFEST/)[0]!, 10)
    const inTheWay = join(dataDir, 'state', 'pipe')
    execFileSync('mkfifo', [inTheWay])
    const store = new LevelStore(dataDir, { logger: collectedLog().logger, wallTimeMs: wallTime })
    open.push(store)
    for (let attempt = 0; attempt < 5; attempt++)
      await expect(store.write(changes({ a: '1' }))).rejects.toMatchObject({ trouble: 'unusable' })
    expect(readdirSync(dataDir)).toEqual(['state'])
    rmSync(inTheWay)
    await store.write(changes({ a: '1' }))
    expect(await read(store)).toEqual(new Map([...wanted, ['a', '1']]))
    expect(store.setAside).toHaveLength(1)
  })

  it('behind a link stays as it is too', async () => {
    const [dataDir, elsewhere] = [folder(), folder()]
    const wanted = await filled(elsewhere)
    const manifest = filesOf(elsewhere, /^MANIFEST/)[0]!
    truncateSync(manifest, 10)
    symlinkSync(join(elsewhere, 'state'), join(dataDir, 'state'))
    const { store } = await storeIn(dataDir)
    expect(await read(store)).toEqual(wanted)
    expect(filesOf(elsewhere, /^MANIFEST/)).toEqual([manifest])
    expect(statSync(manifest).size).toBe(10)
  })

  it('that is gone while the node runs is begun anew by the next write but one', async () => {
    const dataDir = folder()
    const { store, lines, onReplaced } = await storeIn(dataDir)
    await store.write(changes({ a: '1' }))
    rmSync(join(dataDir, 'state'), { recursive: true })
    // LevelDB needs a new file once its log is full
    const big = new Map([['big', new Uint8Array(5_000_000)]])
    const failures: Error[] = []
    for (let attempt = 0; attempt < 4; attempt++) await store.write(big).catch((error: Error) => failures.push(error))
    expect(failures).toHaveLength(1)
    expect(onReplaced).toHaveBeenCalledOnce()
    await store.close()
    const again = await storeIn(dataDir)
    expect([...(await read(again.store)).keys()]).toEqual(['big'])
    expect(store.setAside).toEqual([])
    expect(lines.at(-1)).toEqual({
      level: 'error',
      text: expect.stringMatching(/is gone; the node goes on with an empty one/)
    })
  })

  it('on a disk that damages whatever it is given is given up, and not begun anew for ever', async () => {
    const dataDir = folder()
    const damage = () => {
      mkdirSync(join(dataDir, 'state'), { recursive: true })
      writeFileSync(join(dataDir, 'state', 'CURRENT'), 'garbage')
      return wallTime()
    }
    const store = new LevelStore(dataDir, { logger: collectedLog().logger, wallTimeMs: damage })
    open.push(store)
    await expect(store.open()).rejects.toThrow('was damaged 3 times')
    await expect(store.write(changes({ a: '1' }))).rejects.toMatchObject({ trouble: 'unusable' })
    expect(asideIn(dataDir)).toHaveLength(3)
  })

  it('with a value that the disk has changed gives it to nobody, but its key, and says how many', async () => {
    const dataDir = folder()
    const wanted = await filled(dataDir, 50)
    const table = filesOf(dataDir, /\.ldb$/)[0]!
    const content = readFileSync(table)
    const at = content.indexOf('0.8414709848078965')
    content.writeUInt8(content.readUInt8(at + 5) ^ 1, at + 5)
    writeFileSync(table, content)
    const { store, lines } = await storeIn(dataDir)
    const found = await read(store)
    expect(found.has('key 1')).toBe(false)
    // others may have shared the bytes: tables are compressed
    expect(found.size).toBeGreaterThan(wanted.size - 5)
    for (const [key, value] of found) expect(value).toBe(wanted.get(key))
    expect(lines).toEqual([{ level: 'error', text: expect.stringMatching(/^\d entries of the state are damaged and/) }])
    const keys: string[] = []
    for await (const [key] of store.entries('')) keys.push(key)
    expect(keys).toEqual([...wanted.keys()].toSorted())
  })

  it('with a damaged log keeps that log, which LevelDB would delete', async () => {
    const dataDir = folder()
    const { store: first } = await storeIn(dataDir)
    for (const key of ['a', 'b', 'c']) await first.write(changes({ [key]: key.repeat(100) }))
    await first.close()
    const log = filesOf(dataDir, /\.log$/)[0]!
    const content = readFileSync(log)
    content.writeUInt8(0x5a, content.indexOf('b'.repeat(100)))
    writeFileSync(log, content)
    const { store, lines, onReplaced } = await storeIn(dataDir)
    expect(onReplaced).toHaveBeenCalledOnce()
    expect((await read(store)).has('b')).toBe(false)
    const [kept] = readdirSync(store.setAside[0]!)
    expect(readFileSync(join(store.setAside[0]!, kept!))).toEqual(content)
    expect(lines).toEqual([{ level: 'error', text: expect.stringMatching(/latest changes .* partly lost/) }])
  })

  it('with a log whose end is missing, as after a kill, is no damage', async () => {
    const dataDir = folder()
    const { store: first } = await storeIn(dataDir)
    for (const key of ['a', 'b', 'c']) await first.write(changes({ [key]: key.repeat(100) }))
    await first.close()
    const log = filesOf(dataDir, /\.log$/)[0]!
    truncateSync(log, statSync(log).size - 7)
    const { store, lines } = await storeIn(dataDir)
    expect([...(await read(store)).keys()]).toEqual(['a', 'b'])
    expect([lines, asideIn(dataDir)]).toEqual([[], []])
  })

  it('that cannot even be set aside is not usable, and says so instead of starting over and over', async () => {
    const dataDir = folder()
    writeFileSync(join(dataDir, 'a-file'), '')
    await expect(storeIn(join(dataDir, 'a-file', 'below'))).rejects.toMatchObject({ trouble: 'unusable' })
  })
})
