import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { explain, noKad, otherPeer, TooLate } from '../../../src/cli/check/advice.ts'
import { notesOn } from '../../../src/cli/check/check.ts'
import { BadAddressError, readTarget } from '../../../src/cli/check/target.ts'

const where = { host: '203.0.113.5', port: 4001, peerId: undefined }
const failing = (code: string) => Object.assign(new Error(`connect ${code} 203.0.113.5:4001`), { code })

describe('what is wrong, and what to do', () => {
  it.each([
    ['TCP', failing('ECONNREFUSED'), /nobody listens.*ECONNREFUSED/, /start the node/],
    ['TCP', new TooLate(5_000), /does not answer within 5000 ms/, /firewall.*PUBLIC_IP/],
    ['TCP', failing('EHOSTUNREACH'), /no way to 203/, /IPv6/],
    ['TCP', failing('EMFILE'), /cannot be reached.*EMFILE/, /port/],
    ['TCP', failing('ECONNRESET'), /ended before it was secure.*ECONNRESET/, /full.*doctor/],
    ['security', failing('ECONNRESET'), /ended before it was secure.*ECONNRESET/, /full.*doctor/],
    [
      'security',
      new Error('Protocol selection failed - could not negotiate'),
      /neither TLS nor Noise/,
      /other service/
    ],
    ['security', new TooLate(8_000), /security was not over/, /hangs or is overloaded/],
    ['muxer', new Error('no'), /no muxer/, /yamux/],
    ['resolve', failing('ENOTFOUND'), /has no address/, /DNS/],
    ['FIND_NODE', new Error('the answer is no kad message'), /FIND_NODE failed/, /log/],
    ['security', otherPeer('expected', 'found'), /is found, not expected/, /p2p\/found.*PRIVATE_KEY/],
    ['identify', noKad('kubo'), /kubo does not offer \/ipfs\/kad/, /client mode/]
  ] as const)('%s: %s', (step, error, problem, advice) => {
    const told = explain(step, error, where)
    expect(told.problem).toMatch(problem)
    expect(told.advice).toMatch(advice)
  })
})

describe('an address', () => {
  it('is IP or name, TCP port, and perhaps who is there', () => {
    expect(readTarget('/ip4/127.0.0.1/tcp/1')).toMatchObject({
      host: '127.0.0.1',
      family: 'ip',
      port: 1,
      peerId: undefined
    })
    expect(readTarget('/dns4/node.example/tcp/4001')).toMatchObject({ host: 'node.example', family: 4 })
    const peerId = '12D3KooWGRUfeTZ8rRKH8cRUcNpBUHpGQNYHB4kCQYbPE9iUWWCe'
    expect(readTarget(`/ip6/::1/tcp/2/p2p/${peerId}`)).toMatchObject({ host: '::1', peerId })
  })

  it.each([
    'localhost:4001',
    '/ip4/1.2.3.4',
    '/ip4/1.2.3.4/udp/1/quic-v1',
    '/ip4/1.2.3.4/tcp/1/ws',
    '/dnsaddr/node.example',
    '/ip4/999.0.0.1/tcp/1'
  ])('is not %s', (text) => {
    expect(() => readTarget(text)).toThrow(BadAddressError)
    expect(() => readTarget(text)).toThrow(/give one such as \/ip4/)
  })
})

it('a node that is dialled at a public address which it does not announce is told of PUBLIC_IP', () => {
  const listenAddrs = [multiaddr('/ip4/10.0.0.2/tcp/4001'), multiaddr('/ip4/8.8.8.8/tcp/4001')]
  expect(notesOn({ listenAddrs }, '8.8.4.4', 4001)).toEqual([expect.stringMatching(/set PUBLIC_IP=8\.8\.4\.4/)])
  expect(notesOn({ listenAddrs }, '8.8.8.8', 4001)).toEqual([])
  expect(notesOn({ listenAddrs }, '127.0.0.1', 4001)).toEqual([])
})
