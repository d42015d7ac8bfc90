import { describe, expect, it } from 'vitest'
import { privateNetworks } from '../../src/peers/ip-kind.ts'
import { Contacts } from '../../src/rendezvous/contacts.ts'
import { ProviderBook } from '../../src/rendezvous/provider-book.ts'
import { sourceLimits } from '../../src/rendezvous/source-limits.ts'

const gateway = { ip: '203.0.113.7', bits: 32 }

it.each([
  ['127.0.0.0/24', true],
  ['10.1.2.0/24', true],
  ['203.0.113.0/24', true],
  ['fd00:1:2::/48', true],
  ['203.0.114.0/24', false],
  ['2001:db8:1::/48', false],
  ['relayed', false]
])('%s may have as much as there is: %s', (prefix, expected) => {
  expect(sourceLimits(1, [...privateNetworks, gateway]).isGateway?.(prefix)).toBe(expected)
})

describe('of 256 MB', () => {
  const most = { maxRecords: 400_000, maxPerKey: 100_000, maxPerPeer: 1_000, maxBytes: 256e6 }
  const limits = { ...most, ...sourceLimits(most.maxBytes, privateNetworks) }
  const open = () => new ProviderBook(new Contacts(), () => {}, limits)
  const bytes = (text: string) => new Uint8Array(Buffer.from(text))
  const addresses = Array.from({ length: 8 }, (_, i) => bytes(`address ${i}`.padEnd(60)))

  it('1,400 peers of one /24 with two dozen keys each have room', () => {
    const book = open()
    for (let peer = 0; peer < 1_400; peer++) {
      for (let key = 0; key < 24; key++)
        book.add(bytes(`peer ${peer}`), addresses, bytes(`key ${key}`), '203.0.113.0/24', 0)
    }
    expect(book.records).toBe(1_400 * 24)
    expect(book.evictions.source).toBe(0)
  })

  it('whoever fills a /24 with identities and keys takes a twentieth', () => {
    const book = open()
    for (let peer = 0; peer < 100; peer++) {
      for (let key = 0; key < 1_000; key++) {
        book.add(bytes(`spam ${peer}`), addresses, bytes(`key ${key} of ${peer}`.padEnd(34)), '198.51.100.0/24', 0)
      }
    }
    expect(book.bytes).toBeLessThanOrEqual(256e6 / 20)
    expect(book.evictions.source).toBeGreaterThan(69_000)
  })
})
