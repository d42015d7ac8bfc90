import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { identityFromKey, newIdentity, privateKeyHex } from '../../src/identity/identity.ts'
import { parsePrivateKey, type RawEd25519Key } from '../../src/identity/key-formats.ts'
import { createIdentityFile } from '../../src/state/identity-file.ts'
import { nodeIdentity } from '../../src/state/node-identity.ts'
import { collectedLog } from '../support/log.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'identity-'))
const modeOf = (path: string) => statSync(path).mode & 0o777
const keyOf = (hex: string) => parsePrivateKey(hex) as RawEd25519Key

async function aKey(): Promise<{ hex: string; peerId: string }> {
  const identity = await newIdentity()
  return { hex: privateKeyHex(identity), peerId: identity.peerId }
}

async function identityIn(dataDir: string | undefined, privateKeyText?: string) {
  const { logger, lines } = collectedLog()
  const privateKey = privateKeyText === undefined ? undefined : keyOf(privateKeyText)
  const { peerId } = await nodeIdentity({ privateKey, dataDir }, logger)
  return { peerId, lines }
}

describe('an identity in DATA_DIR', () => {
  it('is made once, for its owner alone, in the form of PRIVATE_KEY', async () => {
    const dataDir = join(folder(), 'made', 'here')
    const first = await identityIn(dataDir)
    const path = join(dataDir, 'identity.key')
    expect([modeOf(dataDir), modeOf(path)]).toEqual([0o700, 0o600])
    expect(readdirSync(dataDir)).toEqual(['identity.key'])
    const text = readFileSync(path, 'utf8')
    expect(text).toMatch(/^[0-9a-f]{128}\n$/)
    expect(identityFromKey(keyOf(text)).peerId).toBe(first.peerId)
    expect(first.lines).toEqual([{ level: 'info', text: expect.stringContaining(first.peerId) }])

    const second = await identityIn(dataDir)
    expect(second).toEqual({ peerId: first.peerId, lines: [] })
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  it('is made whatever umask says, and survives a file of an attempt that was killed', async () => {
    const dataDir = folder()
    writeFileSync(join(dataDir, 'identity.key.0123456789abcdef'), 'half')
    const before = process.umask(0)
    try {
      await identityIn(dataDir)
    } finally {
      process.umask(before)
    }
    expect(modeOf(join(dataDir, 'identity.key'))).toBe(0o600)
  })

  it('is never replaced, not even by another process that is as fast', async () => {
    const dataDir = folder()
    const [mine, theirs] = [await aKey(), await aKey()]
    createIdentityFile(dataDir, theirs.hex)
    createIdentityFile(dataDir, mine.hex)
    expect((await identityIn(dataDir)).peerId).toBe(theirs.peerId)
    expect(readdirSync(dataDir)).toEqual(['identity.key'])
  })

  it('is taken through a symbolic link and in every form of PRIVATE_KEY', async () => {
    const [dataDir, elsewhere] = [folder(), folder()]
    const { hex, peerId } = await aKey()
    writeFileSync(join(elsewhere, 'secret'), `0x08011240${hex}\n`, { mode: 0o400 })
    symlinkSync(join(elsewhere, 'secret'), join(dataDir, 'identity.key'))
    expect(await identityIn(dataDir)).toEqual({ peerId, lines: [] })
  })

  it.each([
    ['empty', '', /it is empty/],
    ['cut off', 'ab'.repeat(40), /it has 80 digits/],
    ['changed', `${'ab'.repeat(63)}ac`, /does not belong to its seed/],
    ['binary', '\0\xff\xfe', /no hexadecimal digits/],
    ['huge', 'a'.repeat(5000), /too long/]
  ])('that is %s is an error that says what to do, and stays as it is', async (_what, text, problem) => {
    const dataDir = folder()
    const path = join(dataDir, 'identity.key')
    writeFileSync(path, text, { mode: 0o600 })
    const error = await identityIn(dataDir).catch((reason: Error) => reason)
    expect(error).toMatchObject({ code: 'ERR_IDENTITY_UNUSABLE', message: expect.stringMatching(problem) })
    expect(error).toMatchObject({ message: expect.stringMatching(/identity\.key.*restore .*PRIVATE_KEY/) })
    expect((error as Error).message).not.toMatch(/abab/)
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  it('that is a folder, or behind something that is none, is an error', async () => {
    const dataDir = folder()
    mkdirSync(join(dataDir, 'identity.key'))
    await expect(identityIn(dataDir)).rejects.toMatchObject({ code: 'ERR_IDENTITY_UNUSABLE' })
    writeFileSync(join(dataDir, 'file'), '')
    await expect(identityIn(join(dataDir, 'file'))).rejects.toMatchObject({ code: 'ERR_IDENTITY_UNUSABLE' })
  })

  it('that is a link which leads nowhere, as before a mount, is an error, and stays', async () => {
    const dataDir = folder()
    const path = join(dataDir, 'identity.key')
    symlinkSync(join(dataDir, 'not mounted', 'secret'), path)
    await expect(identityIn(dataDir)).rejects.toMatchObject({
      code: 'ERR_IDENTITY_UNUSABLE',
      message: expect.stringMatching(/a link that leads nowhere.*restore .*PRIVATE_KEY/)
    })
    expect(readdirSync(dataDir)).toEqual(['identity.key'])
    const { hex, peerId } = await aKey()
    const { peerId: used, lines } = await identityIn(dataDir, hex)
    expect(used).toBe(peerId)
    expect(lines).toEqual([{ level: 'warn', text: expect.stringMatching(/PRIVATE_KEY wins, and .*leads nowhere/) }])
  })

  it('that is a pipe is an error, and nobody is waited for', async () => {
    const dataDir = folder()
    execFileSync('mkfifo', [join(dataDir, 'identity.key')])
    await expect(identityIn(dataDir)).rejects.toMatchObject({ code: 'ERR_IDENTITY_UNUSABLE' })
  })

  it('that others could read is closed to them, with a warning', async () => {
    const dataDir = folder()
    const { hex, peerId } = await aKey()
    writeFileSync(join(dataDir, 'identity.key'), hex)
    chmodSync(join(dataDir, 'identity.key'), 0o640)
    const { peerId: used, lines } = await identityIn(dataDir)
    expect(used).toBe(peerId)
    expect(lines).toEqual([{ level: 'warn', text: expect.stringMatching(/could be read by other users/) }])
    expect(modeOf(join(dataDir, 'identity.key'))).toBe(0o600)
  })

  it('that cannot be saved is an error: handed out, its address would be void with the next start', async () => {
    await expect(identityIn('/proc/nowhere')).rejects.toMatchObject({
      code: 'ERR_IDENTITY_NOT_SAVED',
      message: expect.stringMatching(/make DATA_DIR writable, or set PRIVATE_KEY/)
    })
  })
})

describe('PRIVATE_KEY', () => {
  it('wins, and is not written to the disk', async () => {
    const dataDir = folder()
    const { hex, peerId } = await aKey()
    expect(await identityIn(dataDir, hex)).toEqual({ peerId, lines: [] })
    expect(readdirSync(dataDir)).toEqual([])
  })

  it('that is another than the one in DATA_DIR is said, with both peer ids', async () => {
    const dataDir = folder()
    const [wins, loses] = [await aKey(), await aKey()]
    createIdentityFile(dataDir, loses.hex)
    const { peerId, lines } = await identityIn(dataDir, wins.hex)
    expect(peerId).toBe(wins.peerId)
    expect(lines).toEqual([{ level: 'warn', text: expect.stringMatching(`${wins.peerId}.*${loses.peerId}`) }])
    expect((await identityIn(dataDir, loses.hex)).lines).toEqual([])
  })

  it('wins over one that is damaged', async () => {
    const dataDir = folder()
    writeFileSync(join(dataDir, 'identity.key'), 'damaged')
    const { hex, peerId } = await aKey()
    const { peerId: used, lines } = await identityIn(dataDir, hex)
    expect(used).toBe(peerId)
    expect(lines).toEqual([{ level: 'warn', text: expect.stringMatching(/PRIVATE_KEY wins, and .*cannot be used/) }])
  })
})

it('without both an identity is new each time', async () => {
  expect((await identityIn(undefined)).peerId).not.toBe((await identityIn(undefined)).peerId)
})
