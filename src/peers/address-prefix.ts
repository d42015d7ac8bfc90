import type { Multiaddr } from '@multiformats/multiaddr'

/** The two networks that an address counts for. */
export interface Networks {
  /** What one machine has: /32 of IPv4, /64 of IPv6. */
  readonly address: string
  /** What one party gets easily: /24 of IPv4, /48 of IPv6. */
  readonly network: string
}

/** A connection, lean or not. */
export interface Remote {
  readonly remoteAddr: Multiaddr
  readonly remoteIp?: string
}

/** Where somebody comes from. */
export interface Origin extends Networks {
  /** Its networks are not limited. */
  readonly exempt: boolean
}

/**
 * The network that a connection counts for: /24 of IPv4, /48 of IPv6, which is about what one party gets easily. An IPv4
 * address inside IPv6 counts as IPv4. Addresses without an IP (a relayed connection) count as one.
 */
export function remotePrefixOf(connection: Remote): string {
  const ip = remoteIpOf(connection)
  return ip === undefined ? 'relayed' : networksOf(ip).network
}

/** Undefined without an IP, and for the address of a relayed peer. */
export function ipOf(address: Multiaddr): string | undefined {
  let ip: string | undefined
  for (const { name, value } of address.getComponents()) {
    if (name === 'p2p-circuit') return undefined
    if (name === 'ip4' || name === 'ip6') ip ??= value
  }
  return ip
}

/**
 * Undefined for a relayed connection, whose address is the relay's. A lean connection knows it: to have a multiaddr made and
 * taken apart for it was a thirtieth of a join.
 */
export function remoteIpOf(connection: Remote): string | undefined {
  return connection.remoteIp ?? ipOf(connection.remoteAddr)
}

/** @param ip of IPv4, or of IPv6 with or without a zone */
export function networksOf(ip: string): Networks {
  return ip.includes(':') ? ofIpv6(ip) : ofIpv4(ip)
}

function ofIpv4(ip: string): Networks {
  return { address: ip, network: `${ip.slice(0, ip.lastIndexOf('.'))}.0/24` }
}

function ofIpv6(ip: string): Networks {
  const [withoutZone = ''] = ip.split('%')
  const [head = '', tail] = withoutZone.split('::')
  const first = groupsOf(head)
  const last = groupsOf(tail ?? '')
  const zeros = Array<number>(Math.max(0, 8 - first.length - last.length)).fill(0)
  const groups = [...first, ...zeros, ...last]
  const [fifth, sixth = 0, seventh = 0] = groups.slice(5)
  if (fifth === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
    return ofIpv4([sixth >> 8, sixth & 255, seventh >> 8, seventh & 255].join('.'))
  }
  const [one = '0', two = '0', three = '0', four = '0'] = groups.map((group) => group.toString(16))
  return { address: `${one}:${two}:${three}:${four}::/64`, network: `${one}:${two}:${three}::/48` }
}

/** The last 32 bits may be written as IPv4. */
function groupsOf(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [(a << 8) | b, (c << 8) | d]
  })
}
