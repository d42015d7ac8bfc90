import { BlockList, isIPv6 } from 'node:net'

/** Who can reach an address; `reserved`: nobody. */
export type IpKind = 'public' | 'loopback' | 'private' | 'link-local' | 'shared' | 'reserved'

/** IANA's special-purpose registries, as far as somebody may write such an address down. The wildcard counts as public. */
const ranges: ReadonlyArray<readonly [kind: Exclude<IpKind, 'public'>, net: string, prefix: number]> = [
  ['loopback', '127.0.0.0', 8],
  ['loopback', '::1', 128],
  ['private', '10.0.0.0', 8],
  ['private', '172.16.0.0', 12],
  ['private', '192.168.0.0', 16],
  ['private', 'fc00::', 7],
  ['link-local', '169.254.0.0', 16],
  ['link-local', 'fe80::', 10],
  // carriers' NAT (RFC 6598)
  ['shared', '100.64.0.0', 10],
  // documentation, benchmarks, multicast and the future
  ['reserved', '192.0.2.0', 24],
  ['reserved', '198.51.100.0', 24],
  ['reserved', '203.0.113.0', 24],
  ['reserved', '198.18.0.0', 15],
  ['reserved', '224.0.0.0', 3],
  ['reserved', '2001:db8::', 32],
  ['reserved', 'ff00::', 8]
]

const lists = new Map<Exclude<IpKind, 'public'>, BlockList>()
for (const [kind, net, prefix] of ranges) {
  const list = lists.get(kind) ?? new BlockList()
  list.addSubnet(net, prefix, family(net))
  lists.set(kind, list)
}

/** @param address an IP address without zone */
export function ipKind(address: string): IpKind {
  for (const [kind, list] of lists) {
    if (list.check(address, family(address))) return kind
  }
  return 'public'
}

/** Whether the world may reach it. Reserved addresses count: they are public ones that nobody should have. */
export function isPublic(address: string): boolean {
  const kind = ipKind(address)
  return kind === 'public' || kind === 'reserved'
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}
