import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { settingsTable, usage } from '../../src/config/describe.ts'
import { settings } from '../../src/config/settings.ts'

const file = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')

it('the table of settings in the README is the generated one (npm run docs writes it)', () => {
  expect(file('README.md')).toContain(settingsTable())
})

it('.env.example names every setting with its default', () => {
  const example = file('.env.example')
  for (const [variable, { fallback }] of Object.entries(settings)) {
    expect(example).toMatch(new RegExp(`^#? ?${variable}=${fallback ?? ''}`, 'm'))
  }
})

it('--help names every setting and every command', () => {
  for (const variable of Object.keys(settings)) expect(usage()).toContain(variable)
  for (const command of ['check', 'doctor', '--generate-key', '--version']) expect(usage()).toContain(command)
})

it('no secret can be given as a flag: a process list is public', () => {
  const flags = Object.values(settings).map((row: { secret?: true; flag?: string }) => row.secret && row.flag)
  expect(flags.filter(Boolean)).toEqual([])
})
