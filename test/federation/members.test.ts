import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxAddressesPerMember, maxMembers, readMembers } from '../../src/federation/members.ts'
import { identityFromKey } from '../../src/identity/identity.ts'
import { parsePrivateKey } from '../../src/identity/key-formats.ts'
import { privateKeyOf } from '../interop/harness/identity.ts'

function peerIdOf(text: string): string {
  const key = parsePrivateKey(privateKeyOf(text))
  if ('problem' in key) throw new Error(key.problem)
  return identityFromKey(key).peerId
}

const self = peerIdOf('self')
const [one, two] = [peerIdOf('one'), peerIdOf('two')]

describe('BOOTSTRAP_PEERS', () => {
  it('is one member for each peer id, with all its addresses', () => {
    const { members, problems } = readMembers(
      [
        `/ip4/203.0.113.7/tcp/4001/p2p/${one}`,
        `/dns4/two.example/tcp/9100/p2p/${two}`,
        `/ip6/2001:db8::7/tcp/4001/p2p/${one}`,
        `/ip4/203.0.113.7/tcp/4001/p2p/${one}`
      ],
      self
    )
    expect(members.map(({ id, addresses }) => [id.toString(), addresses.map(String)])).toEqual([
      [one, [`/ip4/203.0.113.7/tcp/4001/p2p/${one}`, `/ip6/2001:db8::7/tcp/4001/p2p/${one}`]],
      [two, [`/dns4/two.example/tcp/9100/p2p/${two}`]]
    ])
    expect(problems).toEqual([])
  })

  it('says in a line each what is of no use, and keeps the rest', () => {
    const good = `/ip4/127.0.0.1/tcp/4001/p2p/${one}`
    const list = [
      'garbage',
      `/ip4/127.0.0.1/tcp/4001/p2p/${self}`,
      '/ip4/127.0.0.1/tcp/4001',
      `/ip4/127.0.0.1/udp/4001/p2p/${two}`,
      `/ip4/127.0.0.1/tcp/4001/p2p/${two}/p2p-circuit/p2p/${one}`,
      '/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWwrong',
      '/ip4/300.0.0.1/tcp/4001',
      good
    ]
    const { members, problems } = readMembers(list, self)
    expect(members.map(({ id }) => id.toString())).toEqual([one])
    expect(problems).toHaveLength(7)
    for (const [at, problem] of problems.entries()) {
      expect(problem).toContain(`BOOTSTRAP_PEERS: "${list[at]?.slice(0, 120)}`)
      expect(problem.split('\n')).toHaveLength(1)
    }
    expect(problems[0]).toContain('no multiaddr')
    expect(problems[1]).toContain('this node itself')
  })

  it('is read, whatever it is, without an exception, within its bounds, and with nothing of it lost', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom(self, one, two).map((id) => `/ip4/127.0.0.1/tcp/1/p2p/${id}`),
      fc.tuple(fc.webAuthority(), fc.nat()).map(([host, port]) => `/dns4/${host}/tcp/${port}/p2p/${one}`)
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), (list) => {
        const { members, problems } = readMembers(list, self)
        const kept = members.flatMap(({ addresses }) => addresses)
        expect(members.length).toBeLessThanOrEqual(maxMembers)
        for (const { addresses } of members) expect(addresses.length).toBeLessThanOrEqual(maxAddressesPerMember)
        expect(kept.length + problems.length).toBeLessThanOrEqual(list.length)
        expect(kept.length + problems.length).toBeGreaterThanOrEqual(new Set(list).size)
      })
    )
  })

  it('has a bound of nodes and of addresses of a node, and says what is beyond', () => {
    const nodes = Array.from(
      { length: maxMembers + 1 },
      (_, i) => `/ip4/127.0.0.1/tcp/4001/p2p/${peerIdOf(`node ${i}`)}`
    )
    expect(readMembers(nodes, self).members).toHaveLength(maxMembers)
    expect(readMembers(nodes, self).problems).toEqual([expect.stringContaining('more than 20 nodes')])

    const places = Array.from({ length: maxAddressesPerMember + 1 }, (_, i) => `/ip4/127.0.0.1/tcp/${i + 1}/p2p/${one}`)
    expect(readMembers(places, self).members[0]?.addresses).toHaveLength(maxAddressesPerMember)
    expect(readMembers(places, self).problems).toEqual([expect.stringContaining('has 8 addresses')])
  })

  it('leaves out what is far longer than an address, unread: that takes seconds', () => {
    const { members, problems } = readMembers([`/ip4/192.0.2.1/tcp/1/p2p/${'1'.repeat(1000)}`], 'self')
    expect(members).toEqual([])
    expect(problems[0]).toContain('it is no multiaddr')
  })

  it('does not bring a key into the log', () => {
    const [problem] = readMembers([privateKeyOf('secret')], self).problems
    expect(problem).toContain('[hidden]')
    expect(problem).not.toContain(privateKeyOf('secret').slice(0, 16))
  })
})
