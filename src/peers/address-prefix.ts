import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The network that an address counts for: /24 of IPv4, /48 of IPv6, which is about what one party gets easily. An IPv4
 * address inside IPv6 counts as IPv4. Addresses without an IP (a relayed connection) count as one.
 */
export function prefixOf(address: Multiaddr): string {
  for (const { name, value } of address.getComponents()) {
    if (name === 'p2p-circuit') return 'relayed'
    if (value === undefined) continue
    if (name === 'ip4') return ipv4Prefix(value)
    if (name === 'ip6') return ipv6Prefix(value)
  }
  return 'relayed'
}

function ipv4Prefix(ip: string): string {
  return `${ip.slice(0, ip.lastIndexOf('.'))}.0/24`
}

function ipv6Prefix(ip: string): string {
  const [head = '', tail] = ip.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0')
  const groups = [...first, ...zeros, ...last].map((group) => Number.parseInt(group, 16))
  const [fifth, sixth = 0] = groups.slice(5)
  if (fifth === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
    return `${sixth >> 8}.${sixth & 255}.${(groups[7] ?? 0) >> 8}.0/24`
  }
  return `${groups
    .slice(0, 3)
    .map((group) => group.toString(16))
    .join(':')}::/48`
}
