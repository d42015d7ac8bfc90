// Writes the generated parts of the documentation: the table of settings in the README. Needs a build.
import { readFileSync, writeFileSync } from 'node:fs'
import { settingsTable } from '../dist/config/describe.js'

const readme = new URL('../README.md', import.meta.url)
const between = /(<!-- settings -->\n)[\s\S]*?(<!-- \/settings -->)/
writeFileSync(
  readme,
  readFileSync(readme, 'utf8').replace(between, (_all, from, to) => `${from}${settingsTable()}\n${to}`)
)
