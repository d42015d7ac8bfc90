import { describe, expect, it } from 'vitest'
import { networksOf } from '../../src/peers/address-prefix.ts'
import { privateNetworks } from '../../src/peers/ip-kind.ts'
import { IpNetworks, parseIpNetwork } from '../../src/peers/ip-networks.ts'

it.each([
  ['203.0.113.9', '203.0.113.9', '203.0.113.0/24'],
  ['::ffff:203.0.113.9', '203.0.113.9', '203.0.113.0/24'],
  ['::ffff:cb00:7109', '203.0.113.9', '203.0.113.0/24'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', '2001:db8:1::/48'],
  ['2001:db8::1', '2001:db8:0:0::/64', '2001:db8:0::/48'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64', 'fe80:0:0::/48'],
  ['64:ff9b::203.0.113.9', '64:ff9b:0:0::/64', '64:ff9b:0::/48']
])('%s counts for %s and %s', (ip, address, network) => {
  expect(networksOf(ip)).toEqual({ address, network })
})

describe('a network', () => {
  it.each([
    ['203.0.113.0/24', '203.0.113.255', '203.0.114.0'],
    ['203.0.113.7', '203.0.113.7', '203.0.113.8'],
    ['2001:db8::/32', '2001:db8:ffff::1', '2001:db9::1'],
    ['2001:db8::1', '2001:db8::1', '2001:db8::2']
  ])('%s has %s and not %s', (text, inside, outside) => {
    const network = parseIpNetwork(text)
    const networks = new IpNetworks(network === undefined ? [] : [network])
    expect([networks.has(inside), networks.has(outside)]).toEqual([true, false])
  })

  it.each([
    '',
    'private',
    '203.0.113.0/33',
    '2001:db8::/129',
    '203.0.113.0/24/8',
    '203.0.113/24',
    '1.2.3.4/',
    'fe80::1%eth0'
  ])('%j is none', (text) => expect(parseIpNetwork(text)).toBeUndefined())
})

it.each([
  ['203.0.113.0/24', true],
  ['203.0.112.0/22', true],
  ['203.0.113.7/32', true],
  ['203.0.113.8/32', false],
  ['203.0.114.0/24', false],
  ['2001:db8:1::/48', true],
  ['2001:db8:2::/48', false]
])('%s has addresses in common with some networks: %s', (text, expected) => {
  const networks = new IpNetworks([
    { ip: '203.0.113.7', bits: 32 },
    { ip: '2001:db8:1:2::', bits: 64 }
  ])
  expect(networks.overlaps(parseIpNetwork(text)!)).toBe(expected)
})

it('private networks are those of this machine, of gateways and of carriers', () => {
  const networks = new IpNetworks(privateNetworks)
  for (const ip of [
    '127.0.0.2',
    '10.1.2.3',
    '172.17.0.1',
    '192.168.1.1',
    '169.254.1.1',
    '100.64.0.1',
    '::1',
    'fd00::1',
    'fe80::1%eth0'
  ])
    expect(networks.has(ip), ip).toBe(true)
  for (const ip of ['203.0.113.1', '172.32.0.1', '100.128.0.1', '2001:db8::1']) expect(networks.has(ip), ip).toBe(false)
})
