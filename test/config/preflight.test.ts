import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readDotenv, whyNotWritable } from '../../src/config/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'preflight-'))

it('makes the folder of a file that can be written', () => {
  expect(whyNotWritable(join(folder, 'deep', 'er', 'app.log'))).toBeUndefined()
})

it('leaves what is in the file alone', () => {
  const path = join(folder, 'app.log')
  writeFileSync(path, 'before')
  expect(whyNotWritable(path)).toBeUndefined()
  expect(readFileSync(path, 'utf8')).toBe('before')
})

it('says why a file cannot be written', () => {
  expect(whyNotWritable(folder)).toBe('it is no regular file')
  expect(whyNotWritable('/dev/null')).toBe('it is no regular file')
  expect(whyNotWritable('/proc/nowhere/app.log')).toMatch(/cannot be written.*ENOENT/)
  writeFileSync(join(folder, 'file'), '')
  expect(whyNotWritable(join(folder, 'file', 'app.log'))).toMatch(/cannot be written/)
})

it('reads a .env file with comments, quotes, export and Windows line ends', () => {
  const path = join(folder, 'env-file')
  writeFileSync(path, '# comment\r\nA=1\r\nexport B="two"\r\nC=\r\n')
  expect(readDotenv(path)).toEqual({ values: { A: '1', B: 'two', C: '' } })
})

it('no .env file is none; one that cannot be read is a problem', () => {
  expect(readDotenv(join(folder, 'none'))).toEqual({ values: {} })
  mkdirSync(join(folder, 'a-folder'))
  expect(readDotenv(join(folder, 'a-folder'))).toEqual({
    values: {},
    problem: expect.stringMatching(/cannot be read/)
  })
})
