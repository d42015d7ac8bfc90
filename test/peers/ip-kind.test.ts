import { expect, it } from 'vitest'
import { ipKind, isPublic } from '../../src/peers/ip-kind.ts'

it.each([
  ['8.8.8.8', 'public'],
  ['2606:4700::1111', 'public'],
  ['0.0.0.0', 'public'],
  ['127.3.2.1', 'loopback'],
  ['::1', 'loopback'],
  ['10.1.2.3', 'private'],
  ['172.31.0.1', 'private'],
  ['172.32.0.1', 'public'],
  ['192.168.1.1', 'private'],
  ['fd00::1', 'private'],
  ['169.254.1.1', 'link-local'],
  ['fe80::1', 'link-local'],
  ['100.64.0.1', 'shared'],
  ['203.0.113.7', 'reserved'],
  ['224.0.0.1', 'reserved'],
  ['255.255.255.255', 'reserved'],
  ['2001:db8::1', 'reserved']
])('%s is %s', (address, kind) => {
  expect(ipKind(address)).toBe(kind)
})

it('who may be reached by the world: public addresses, wildcards and whatever somebody may have taken', () => {
  expect(['8.8.8.8', '0.0.0.0', '::', '203.0.113.7'].every(isPublic)).toBe(true)
  expect(['127.0.0.1', '10.0.0.1', 'fe80::1', '100.64.0.1'].some(isPublic)).toBe(false)
})
