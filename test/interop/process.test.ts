import { beforeAll, describe, expect, test } from 'vitest'
import { conformance, securities } from './harness/conformance.ts'
import { goBinaries } from './harness/go.ts'
import { startStockPeer } from './harness/stock-peer.ts'
import { freePort, notOurs, startTarget, targetKind } from './harness/target.ts'

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

  // the rendezvous itself is not found again before a client renews its records: Go forgets them, and this node does not keep
  // them over a restart either
  test('is the same peer after a restart with the same key, for clients of both securities', async ({ skip }) => {
    skip(targetKind === 'given', notOurs)
    const place = { port: await freePort(), identity: 'interop restart' }
    const before = await startTarget({}, place)
    try {
      await conformance('table', before, 'tls,noise')
    } finally {
      expect(await before.stop()).toBe(0)
    }
    const after = await startTarget({}, place)
    try {
      expect(after.addr).toBe(before.addr)
      for (const security of securities) {
        const facts = await conformance('table', before, security)
        expect(facts.entry_after_ms).toBeLessThan(2000)
      }
    } finally {
      await after.stop()
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
