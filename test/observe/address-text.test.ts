import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { listOf, withoutPeerId } from '../../src/observe/address-text.ts'

const id = '12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB'
const addresses = ['/ip4/127.0.0.1/tcp/4001', '/ip4/10.0.0.5/tcp/4001'].map((text) => multiaddr(`${text}/p2p/${id}`))

it('prints a list as Go does, without peer ids', () => {
  expect(listOf(addresses)).toBe('[/ip4/127.0.0.1/tcp/4001 /ip4/10.0.0.5/tcp/4001]')
  expect(withoutPeerId(addresses[0]!)).toBe('/ip4/127.0.0.1/tcp/4001')
})
