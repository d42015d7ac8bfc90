import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { choicesFor } from '../../../src/rendezvous/remembered/dial-choice.ts'

const own = {
  ips: new Set(['127.0.0.1', '::1', '192.168.1.2']),
  endpoints: [
    { ip: '192.168.1.2', port: 4001 },
    { ip: '203.0.113.9', port: 4001 }
  ]
}
const bytes = (text: string) => (text === '' ? new Uint8Array() : multiaddr(text).bytes)

/** @returns `ip:port`, with `!` when the peer is known to be there */
function chosen(remote: string, ...addrs: string[]): string[] {
  const peer = { key: 'peer', addrs: addrs.map(bytes), remote: bytes(remote), seenAtMs: 0, dialFailed: false }
  return choicesFor(peer, own).map(({ endpoint: { ip, port }, isProven }) => `${isProven ? '!' : ''}${ip}:${port}`)
}

it('takes public and private addresses, those first that the peer came from', () => {
  const listed = ['/ip4/10.1.2.3/tcp/9000', '/ip4/198.51.100.7/tcp/9000', '/ip6/2001:db8::7/tcp/9000']
  expect(chosen('/ip4/198.51.100.7/tcp/51234', ...listed)).toEqual([
    '!198.51.100.7:9000',
    '10.1.2.3:9000',
    '2001:db8::7:9000'
  ])
  expect(chosen('', ...listed)).toEqual(['10.1.2.3:9000', '198.51.100.7:9000', '2001:db8::7:9000'])
})

it('takes the address that the peer came from when it dialled from a port that it listens on', () => {
  expect(
    chosen(
      '/ip4/198.51.100.7/tcp/9000/p2p/12D3KooWLj3rEPbGPaAUFnpCGojy4K1enVu8yYbmxH3vufAphQFn',
      '/ip4/10.1.2.3/tcp/9000'
    )
  ).toEqual(['!198.51.100.7:9000', '10.1.2.3:9000'])
  expect(chosen('/ip4/198.51.100.7/tcp/51234', '/ip4/10.1.2.3/tcp/9000')).toEqual(['10.1.2.3:9000'])
})

it('is never this node, however it is written', () => {
  const nodes = ['/ip4/192.168.1.2/tcp/4001', '/ip4/203.0.113.9/tcp/4001', '/ip6/::ffff:203.0.113.9/tcp/4001']
  expect(chosen('/ip4/198.51.100.7/tcp/1', ...nodes)).toEqual([])
  expect(chosen('/ip4/192.168.1.2/tcp/1', ...nodes, '/ip4/127.0.0.1/tcp/4001', '/ip6/::1/tcp/4001')).toEqual([])
})

it('is another program of this machine only for a peer that came from this machine', () => {
  const local = ['/ip4/127.0.0.1/tcp/22', '/ip6/::1/tcp/22', '/ip4/192.168.1.2/tcp/22', '/ip4/127.9.9.9/tcp/22']
  for (const remote of ['', '/ip4/198.51.100.7/tcp/22', '/ip4/192.168.1.3/tcp/22']) {
    const mapped = '/ip6/::ffff:127.0.0.1/tcp/22'
    const rest = chosen(remote, ...local, mapped).filter((choice) => !choice.startsWith('!'))
    expect(rest).toEqual([])
  }
  expect(chosen('/ip4/127.0.0.1/tcp/50000', ...local)).toEqual(['!127.0.0.1:22', '::1:22', '192.168.1.2:22'])
  expect(chosen('/ip4/192.168.1.2/tcp/50000', '/ip4/127.0.0.1/tcp/22')).toEqual(['127.0.0.1:22'])
})

it('is another port of the announced address only for a peer behind the same address', () => {
  const listed = ['/ip4/203.0.113.9/tcp/22', '/ip6/::ffff:203.0.113.9/tcp/443']
  for (const remote of ['', '/ip4/198.51.100.7/tcp/1', '/ip4/172.17.0.1/tcp/1'])
    expect(chosen(remote, ...listed)).toEqual([])
  expect(chosen('/ip4/203.0.113.9/tcp/50000', '/ip4/203.0.113.9/tcp/9000')).toEqual(['!203.0.113.9:9000'])
  // that is no reason to let it at what only this machine can reach
  expect(chosen('/ip4/203.0.113.9/tcp/50000', '/ip4/127.0.0.1/tcp/22', '/ip4/192.168.1.2/tcp/22')).toEqual([])
  expect(chosen('/ip4/127.0.0.1/tcp/50000', '/ip4/203.0.113.9/tcp/22')).toEqual(['203.0.113.9:22'])
})

it('is neither a name, nor a relay, another transport, a wildcard, a group or no port', () => {
  const others = [
    '/dns4/example.org/tcp/9000',
    '/ip4/198.51.100.7/udp/9000/quic-v1',
    '/ip4/198.51.100.7/tcp/9000/ws',
    '/ip4/198.51.100.7/tcp/9000/p2p/12D3KooWLj3rEPbGPaAUFnpCGojy4K1enVu8yYbmxH3vufAphQFn/p2p-circuit',
    '/ip4/0.0.0.0/tcp/9000',
    '/ip6/::/tcp/9000',
    '/ip4/224.0.0.1/tcp/9000',
    '/ip4/255.255.255.255/tcp/9000',
    '/ip6/ff02::1/tcp/9000',
    '/ip4/198.51.100.7/tcp/0'
  ]
  expect(chosen('', ...others)).toEqual([])
  const unknown = {
    key: 'peer',
    addrs: [new Uint8Array([255, 255, 3])],
    remote: new Uint8Array(),
    seenAtMs: 0,
    dialFailed: false
  }
  expect(choicesFor(unknown, own)).toEqual([])
})

it('names each address once, and three at most', () => {
  const many = Array.from({ length: 9 }, (_, i) => `/ip4/10.0.0.${Math.floor(i / 2)}/tcp/9000`)
  expect(chosen('', ...many)).toEqual(['10.0.0.0:9000', '10.0.0.1:9000', '10.0.0.2:9000'])
})
