import { beforeAll, describe, expect, test } from 'vitest'
import { conformance, securities } from './harness/conformance.ts'
import { goBinaries } from './harness/go.ts'
import { startStockPeer } from './harness/stock-peer.ts'
import { notOurs, startTarget, targetKind } from './harness/target.ts'

describe('the process under test', () => {
  beforeAll(async () => {
    await goBinaries()
  })

  test.for(securities)('announces PUBLIC_IP beside its listen address, over %s', async (security, { skip }) => {
    skip(targetKind === 'given', notOurs)
    const target = await startTarget({ PUBLIC_IP: '203.0.113.7' })
    try {
      const facts = await conformance('announce', target, security, ['-public-ip', '203.0.113.7'])
      expect(facts.listen_addresses).toHaveLength(2)
    } finally {
      await target.stop()
    }
  })

  test('ends at SIGTERM with the shutdown line, exit code 0 and no error line', async ({ skip }) => {
    skip(targetKind === 'given', notOurs)
    const target = await startTarget({ LOG_LEVEL: 'info' })
    const peer = await startStockPeer('noise')
    try {
      await peer.connect(target.addr)
      expect(await target.stop()).toBe(0)
      const lines = target.daemon?.lines ?? []
      expect(lines.filter((line) => line.includes('Shutting down bootstrap node...'))).toHaveLength(1)
      expect(lines.filter((line) => /error/i.test(line))).toEqual([])
    } finally {
      await Promise.all([peer.stop(), target.stop()])
    }
  })
})
