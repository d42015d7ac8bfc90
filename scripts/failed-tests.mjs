// The failed tests of a vitest report in JSON, each with the first lines of its error: `node scripts/failed-tests.mjs REPORT`.
import { readFileSync } from 'node:fs'

const errorLines = 8

/** @param {string} text */
const firstLines = (text) =>
  text
    .split('\n')
    .slice(0, errorLines)
    .map((line) => `    ${line}`)
    .join('\n')

for (const file of JSON.parse(readFileSync(process.argv[2], 'utf8')).testResults) {
  const failed = file.assertionResults.filter((test) => test.status === 'failed')
  for (const test of failed)
    console.log(`${file.name}: ${test.fullName}\n${firstLines(test.failureMessages.join('\n'))}`)
  // one that could not even be loaded has no test
  if (file.status === 'failed' && failed.length === 0) console.log(`${file.name}\n${firstLines(file.message)}`)
}
