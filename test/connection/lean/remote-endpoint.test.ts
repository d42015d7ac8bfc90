import type { Socket } from 'node:net'
import { expect, it } from 'vitest'
import { remoteEndpoint, remoteMultiaddr } from '../../../src/connection/lean/remote-endpoint.ts'

it.each([
  ['198.51.100.1', '/ip4/198.51.100.1/tcp/7'],
  ['2001:db8::1', '/ip6/2001:db8::1/tcp/7'],
  ['::ffff:198.51.100.1', '/ip4/198.51.100.1/tcp/7'],
  ['fe80::1%eth0', '/ip6/fe80::1/tcp/7']
])('%s is %s', (remoteAddress, expected) => {
  const endpoint = remoteEndpoint({ remoteAddress, remotePort: 7 } as Socket)
  expect(remoteMultiaddr(endpoint!).toString()).toBe(expected)
})

it('a socket that is not connected any more has none', () => {
  expect(remoteEndpoint({} as Socket)).toBeUndefined()
})
