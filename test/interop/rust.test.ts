import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { securities } from './harness/conformance.ts'
import { goBinaries } from './harness/go.ts'
import { buildRustPeer, hasRust, rustBuildMs, rustPeer } from './harness/rust.ts'
import { startTarget, type Target } from './harness/target.ts'

describe.skipIf(!hasRust)('rust-libp2p peers', () => {
  let target: Target

  beforeAll(async () => {
    await Promise.all([buildRustPeer(), goBinaries()])
    target = await startTarget()
  }, rustBuildMs)

  afterAll(() => target?.stop())

  test.for(securities)(
    'join over %s, are pinged, reserve a relayed address, and find who provides a key',
    async (security) => {
      const facts = await rustPeer(security, target.addr)
      expect(facts.protocols).toContain('/ipfs/kad/1.0.0')
      expect(facts).toMatchObject({ found: true })
      // go-libp2p's relay names its public addresses alone, of which it has none here, and rust peers want no such reservation
      if (target.kind !== 'baseline') expect(facts.reserved).toBe(true)
    }
  )
})
