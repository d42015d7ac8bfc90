import { BlockList, isIP, isIPv6 } from 'node:net'

/** An address and how many of its first bits count. */
export interface IpNetwork {
  readonly ip: string
  readonly bits: number
}

/** Loopback, private networks, link-local and the carriers' shared range: who comes from there may be a gateway's many. */
export const privateNetworks: readonly IpNetwork[] = [
  { ip: '127.0.0.0', bits: 8 },
  { ip: '10.0.0.0', bits: 8 },
  { ip: '172.16.0.0', bits: 12 },
  { ip: '192.168.0.0', bits: 16 },
  { ip: '169.254.0.0', bits: 16 },
  { ip: '100.64.0.0', bits: 10 },
  { ip: '::1', bits: 128 },
  { ip: 'fc00::', bits: 7 },
  { ip: 'fe80::', bits: 10 }
]

/** `203.0.113.0/24`, `2001:db8::/48`, or an address alone; undefined: neither. */
export function parseIpNetwork(text: string): IpNetwork | undefined {
  const [ip = '', length, ...rest] = text.split('/')
  if (isIP(ip) === 0 || ip.includes('%') || rest.length > 0) return undefined
  const most = isIPv6(ip) ? 128 : 32
  if (length === undefined) return { ip, bits: most }
  return /^\d{1,3}$/.test(length) && Number(length) <= most ? { ip, bits: Number(length) } : undefined
}

/** Whether an address is in one of some networks. */
export class IpNetworks {
  readonly #list = new BlockList()

  constructor(networks: readonly IpNetwork[]) {
    for (const { ip, bits } of networks) this.#list.addSubnet(ip, bits, family(ip))
  }

  /** @param ip with or without a zone */
  has(ip: string): boolean {
    const [address = ip] = ip.split('%')
    return this.#list.check(address, family(address))
  }
}

function family(ip: string): 'ipv4' | 'ipv6' {
  return ip.includes(':') ? 'ipv6' : 'ipv4'
}
