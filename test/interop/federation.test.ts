import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { identityFromKey } from '../../src/identity/identity.ts'
import { parsePrivateKey } from '../../src/identity/key-formats.ts'
import { conformance } from './harness/conformance.ts'
import { goBinaries } from './harness/go.ts'
import { privateKeyOf } from './harness/identity.ts'
import { type Standing, stand } from './harness/standing.ts'
import { freePort, notOurs, type Place, startTarget, type Target, targetKind } from './harness/target.ts'

const CLIENTS_PER_NODE = 60
const CLIENTS = 3 * CLIENTS_PER_NODE
const OFFER = 'tls,noise'
const RENDEZVOUS = ['-rendezvous', 'interop/federation']
const LATE = [...RENDEZVOUS, '-want', String(CLIENTS)]

function addressOf({ port, identity }: Place): string {
  const key = parsePrivateKey(privateKeyOf(identity))
  if ('problem' in key) throw new Error(key.problem)
  return `/ip4/127.0.0.1/tcp/${port}/p2p/${identityFromKey(key).peerId}`
}

describe('three bootstrap nodes that list each other', () => {
  const nodes: Target[] = []
  let places: Place[]
  let crowd: Standing

  /** All have the same list, with themselves in it. */
  const start = (place: Place) =>
    startTarget({ BOOTSTRAP_PEERS: places.map(addressOf).join(','), LOG_LEVEL: 'info' }, place)
  const node = (at: number): Target => nodes[at] as Target

  beforeAll(async () => {
    if (targetKind === 'given') return
    await goBinaries()
    const names = ['federation a', 'federation b', 'federation c']
    places = await Promise.all(names.map(async (identity) => ({ identity, port: await freePort() })))
    for (const place of places) nodes.push(await start(place))
  })

  afterAll(async () => {
    await crowd?.kill()
    await Promise.all(nodes.map((target) => target.stop()))
  })

  // each test goes on where the one before has left the nodes and the clients
  test(`let ${CLIENTS} clients that know one node each find everyone`, async ({ skip }) => {
    skip(targetKind === 'given', notOurs)
    crowd = await stand('federation', node(0), OFFER, [
      ...['-also', [node(1), node(2)].map(({ addr }) => addr).join(',')],
      ...['-clients', String(CLIENTS_PER_NODE), '-batch', '8', '-timeout', '10m'],
      // the collectors advertise every 5 min; in less the test would not see a node filled
      ...['-advertise-every', '10s', '-poll-every', '5s', ...RENDEZVOUS]
    ])
    expect(crowd.facts.clients).toBe(CLIENTS)
    for (const target of nodes) {
      expect(await conformance('filled', target, OFFER, LATE)).toMatchObject({ first_answer: CLIENTS })
    }
    // what docs/scaling.md reckons with
    const newcomer = await conformance('newcomer', node(0), OFFER, RENDEZVOUS)
    expect(newcomer).toMatchObject({ found: CLIENTS, found_again: CLIENTS, found_again_asking: 3 })
  })

  test('lose no rendezvous when one is killed, of its own clients neither', async ({ skip }) => {
    skip(targetKind === 'given', notOurs)
    await node(1).daemon?.kill()
    for (const target of [node(0), node(2)]) {
      expect(await conformance('newcomer', target, OFFER, RENDEZVOUS)).toMatchObject({ found: CLIENTS })
    }
    // its clients have tried it, too, and each has dropped it from its table
    await crowd.line(/node 1 is in 0 tables/, 60_000)
  })

  test('fill it again when it comes back, and nobody is missed meanwhile', async ({ skip }) => {
    skip(targetKind === 'given', notOurs)
    nodes[1] = await start(places[1] as Place)
    // through its closer peers, whatever it holds itself
    expect(await conformance('newcomer', node(1), OFFER, RENDEZVOUS)).toMatchObject({ found: CLIENTS })
    // it has forgotten all records, and its clients renew theirs
    await conformance('filled', node(1), OFFER, LATE)

    await crowd.line(new RegExp(`node 1 is in ${CLIENTS} tables`), 60_000)
    const { polls, incomplete_polls, nodes: tables } = await crowd.finish()
    expect(polls).toBeGreaterThan(CLIENTS)
    expect(incomplete_polls).toBe(0)
    expect(tables).toMatchObject([{ tables: CLIENTS }, { tables: CLIENTS, fewest_tables: 0 }, { tables: CLIENTS }])
  })
})
