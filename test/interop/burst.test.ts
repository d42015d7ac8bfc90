import { beforeAll, describe, expect, test } from 'vitest'
import { conformance, type Facts, securities } from './harness/conformance.ts'
import { goBinaries } from './harness/go.ts'
import { notOurs, startTarget, targetKind } from './harness/target.ts'

describe.for(securities)('a burst of go-libp2p clients from one address over %s', (security) => {
  beforeAll(async () => {
    await goBinaries()
  })

  async function burst(env: Record<string, string>, clients: number, batch: number, watch: string): Promise<Facts> {
    const target = await startTarget(env)
    try {
      return await conformance('burst', target, security, [
        '-clients',
        String(clients),
        '-batch',
        String(batch),
        '-watch',
        watch
      ])
    } finally {
      await target.stop()
    }
  }

  test('is let in: 200 dials at once', async () => {
    const facts = await burst({}, 200, 200, '3s')
    expect(facts).toMatchObject({ accepted: 200, refused: 0, connected: 200, lost: 0 })
    expect(facts.last_dial_after_ms).toBeLessThan(2000)
  })

  test('beyond high water + 100 and all within grace: who comes late is refused, who is here stays', async ({
    skip
  }) => {
    skip(targetKind === 'given', notOurs)
    const env = { CONN_MANAGER_LOW_WATER: '20', CONN_MANAGER_HIGH_WATER: '40' }
    const facts = await burst(env, 160, 10, '3s')
    expect(facts).toMatchObject({ accepted: 140, refused: 20, connected: 140, lost: 0 })
  })

  test('beyond high water + 100 and nobody within grace: nobody is refused', async ({ skip }) => {
    skip(targetKind !== 'ours', 'this node alone lets a newcomer in for the worst of those who are here')
    const env = {
      CONN_MANAGER_LOW_WATER: '40',
      CONN_MANAGER_HIGH_WATER: '40',
      CONN_MANAGER_GRACE_PERIOD: '0'
    }
    const facts = await burst(env, 200, 10, '0s')
    expect(facts).toMatchObject({ accepted: 200, refused: 0 })
    expect(facts.connected).toBeLessThanOrEqual(140)
  })
})
