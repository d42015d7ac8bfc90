import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { addressToHandOut, tcpMultiaddr } from '../../src/host/addresses.ts'

const id = '12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB'
const addresses = ['/ip4/127.0.0.1/tcp/4001', '/ip4/10.0.0.5/tcp/4001', '/ip4/198.51.100.7/tcp/4001'].map((text) =>
  multiaddr(`${text}/p2p/${id}`)
)

it('writes multiaddrs of both families', () => {
  expect(tcpMultiaddr('127.0.0.1', 1)).toBe('/ip4/127.0.0.1/tcp/1')
  expect(tcpMultiaddr('::', 2)).toBe('/ip6/::/tcp/2')
})

it('hands out the announced address, else one that is not loopback, else loopback', () => {
  expect(addressToHandOut(addresses, '198.51.100.7')).toBe(`/ip4/198.51.100.7/tcp/4001/p2p/${id}`)
  expect(addressToHandOut(addresses, undefined)).toBe(`/ip4/10.0.0.5/tcp/4001/p2p/${id}`)
  expect(addressToHandOut(addresses.slice(0, 1), undefined)).toBe(`/ip4/127.0.0.1/tcp/4001/p2p/${id}`)
  expect(addressToHandOut([], undefined)).toBeUndefined()
})
