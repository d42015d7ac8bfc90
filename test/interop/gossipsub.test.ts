import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conformance, securities } from './harness/conformance.ts'
import { goBinaries } from './harness/go.ts'
import { startTarget, type Target } from './harness/target.ts'

describe('the gossipsub of go-libp2p clients', () => {
  let target: Target

  beforeAll(async () => {
    await goBinaries()
    target = await startTarget()
  })

  afterAll(() => target?.stop())

  test.for(securities)('never loses the node while 40 clients join over %s', async (security) => {
    const facts = await conformance('flap', target, security, ['-clients', '40', '-batch', '4', '-watch', '10s'])
    expect(facts).toMatchObject({ clients: 40, flapped: 0, missing: 0 })
  })
})
