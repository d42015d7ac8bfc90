import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Temporary files of the tests and of the processes they start go to one directory, which goes with the run. */
export default function setup(): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'bootstrap-tests-'))
  process.env.TMPDIR = directory
  return () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
}
