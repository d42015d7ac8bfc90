import { expect, it } from 'vitest'
import { reportOn } from '../../src/observe/logger.ts'

const notice = (text: string) => `${text}\n`

it('that the file cannot be written is said once a minute', () => {
  let nowMs = 0
  const said: string[] = []
  const report = reportOn({ write: (line) => said.push(line) }, notice, () => nowMs)
  report(new Error('no space\nleft'))
  nowMs = 59_999
  report(new Error('no space'))
  expect(said).toEqual(['LOG_FILE cannot be written: no space\\nleft\n'])
  nowMs = 60_000
  report(new Error('no space'))
  expect(said).toHaveLength(2)
})
