import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type AgeingTarget, startAgeingTarget } from './harness/ageing-target.ts'
import { conformance, type Facts, securities } from './harness/conformance.ts'
import { goBinaries } from './harness/go.ts'
import { type Standing, stand } from './harness/standing.ts'
import { notOurs, targetKind } from './harness/target.ts'

const HOUR_MS = 3_600_000

describe.for(securities)('records of go-libp2p providers over %s', (security) => {
  const opened: Array<() => Promise<unknown>> = []

  beforeAll(async () => {
    await goBinaries()
  })

  afterEach(async () => {
    for (const close of opened.splice(0).reverse()) {
      await close()
    }
  })

  async function ageing(): Promise<AgeingTarget> {
    const target = await startAgeingTarget()
    opened.push(target.stop)
    return target
  }

  async function provider(target: AgeingTarget, rendezvous: string): Promise<Standing & { readonly id: string }> {
    const peer = await stand('provide', target, security, ['-rendezvous', rendezvous])
    opened.push(peer.kill)
    return { ...peer, id: String(peer.facts.id) }
  }

  /** Peer id → number of addresses, on the wire and as FindPeers gives it. */
  function find(target: AgeingTarget, rendezvous: string): Promise<Facts> {
    return conformance('find', { ...target, kind: targetKind }, security, ['-rendezvous', rendezvous])
  }

  test('one that was killed and collected costs the others no answer', async ({ skip }) => {
    skip(targetKind === 'given', notOurs)
    const target = await ageing()
    const [a, d] = await Promise.all([provider(target, 'R'), provider(target, 'R')])
    const before = await find(target, 'R')
    expect(before.answered).toEqual({ [a.id]: expect.any(Number), [d.id]: expect.any(Number) })

    await a.kill()
    await target.collected(a.id)
    const { answered, found } = await find(target, 'R')
    for (const answer of [answered, found]) {
      expect(answer).toEqual({ [a.id]: expect.any(Number), [d.id]: expect.toSatisfy(isPositive) })
      // A's record lives 48 h; Go lists it without the addresses, which its collector has removed
      if (targetKind === 'ours') {
        expect(answer).toMatchObject({ [a.id]: expect.toSatisfy(isPositive) })
      }
    }
    expect(await d.finish()).toMatchObject({ lost: 0 })
  })

  test('one that stays is found long after the age at which a peer store forgets addresses', async ({ skip }) => {
    skip(targetKind !== 'ours', "this node's clock can be moved only in the process of the test")
    const target = await ageing()
    const a = await provider(target, 'R')
    for (let hours = 0; hours < 3; hours += 0.5) {
      const { answered, found } = await find(target, 'R')
      expect([hours, answered]).toEqual([hours, { [a.id]: expect.toSatisfy(isPositive) }])
      expect(found).toEqual(answered)
      await target.pass?.(HOUR_MS / 2)
    }
    expect(await a.finish()).toMatchObject({ lost: 0 })
  })
})

function isPositive(count: unknown): boolean {
  return typeof count === 'number' && count > 0
}
