import { type IpNetwork, IpNetworks } from './ip-networks.ts'

/** Who can reach an address; `reserved`: nobody. */
export type IpKind = 'public' | 'loopback' | 'private' | 'link-local' | 'shared' | 'reserved'

/** IANA's special-purpose registries, as far as somebody may write such an address down. The wildcard counts as public. */
const networks: Readonly<Record<Exclude<IpKind, 'public'>, readonly IpNetwork[]>> = {
  loopback: [
    { ip: '127.0.0.0', bits: 8 },
    { ip: '::1', bits: 128 }
  ],
  private: [
    { ip: '10.0.0.0', bits: 8 },
    { ip: '172.16.0.0', bits: 12 },
    { ip: '192.168.0.0', bits: 16 },
    { ip: 'fc00::', bits: 7 }
  ],
  'link-local': [
    { ip: '169.254.0.0', bits: 16 },
    { ip: 'fe80::', bits: 10 }
  ],
  // carriers' NAT (RFC 6598)
  shared: [{ ip: '100.64.0.0', bits: 10 }],
  // documentation, benchmarks, multicast and the future
  reserved: [
    { ip: '192.0.2.0', bits: 24 },
    { ip: '198.51.100.0', bits: 24 },
    { ip: '203.0.113.0', bits: 24 },
    { ip: '198.18.0.0', bits: 15 },
    { ip: '224.0.0.0', bits: 3 },
    { ip: '2001:db8::', bits: 32 },
    { ip: 'ff00::', bits: 8 }
  ]
}

const lists = Object.entries(networks).map(([kind, list]) => [kind as IpKind, new IpNetworks(list)] as const)

/** Loopback, private networks, link-local and the carriers' shared range: who comes from there may be a gateway's many. */
export const privateNetworks: readonly IpNetwork[] = [
  ...networks.loopback,
  ...networks.private,
  ...networks['link-local'],
  ...networks.shared
]

/** @param address an IP address, with or without a zone */
export function ipKind(address: string): IpKind {
  return lists.find(([, list]) => list.has(address))?.[0] ?? 'public'
}

/** Whether the world may reach it. Reserved addresses count: they are public ones that nobody should have. */
export function isPublic(address: string): boolean {
  const kind = ipKind(address)
  return kind === 'public' || kind === 'reserved'
}
