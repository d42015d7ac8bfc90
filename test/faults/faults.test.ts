import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goBinaries } from '../interop/harness/go.ts'
import { faults, short } from './harness/faults.ts'
import { publish, type Row, tableOf } from './harness/report.ts'
import { crowdSize, Site } from './harness/site.ts'

const rows: Row[] = []
/** Namespaces, mounts and limits need root. */
const isRoot = (() => {
  try {
    execFileSync('unshare', ['-mn', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    console.warn('faults are NOT tested: namespaces need root')
    return false
  }
})()

beforeAll(async () => {
  await goBinaries()
})

afterAll(() => {
  process.stdout.write(`\n${tableOf(rows)}\n`)
  // a part of the table would replace all of it
  if (process.env.FAULTS_PUBLISH === 'true') publish(rows)
})

describe.runIf(isRoot).each(faults.filter((fault) => !short || fault.inShort))('$name', (fault) => {
  test.each(short ? fault.nodes.slice(0, 1) : fault.nodes)('%s', async (kind) => {
    const site = await Site.open(kind, fault.surroundings)
    try {
      await site.crowd()
      const note = await fault.strike(site)
      const row = await site.recovered(fault.name, fault.promise, note)
      rows.push(row)
      process.stdout.write(`${JSON.stringify(row)}\n`)
      expect(row.clients).toBe(crowdSize)
      // Go is reported, not judged
      if (kind === 'baseline') return
      expect(row).toMatchObject({ ...fault.bounds, missed: 0 })
      expect(site.daemon.running).toBe(true)
    } finally {
      await site.close()
    }
  })
})
