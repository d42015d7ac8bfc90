import { BlockList, isIP, isIPv6 } from 'node:net'

/** An address and how many of its first bits count. */
export interface IpNetwork {
  readonly ip: string
  readonly bits: number
}

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
  readonly #networks: readonly IpNetwork[]
  readonly #list = new BlockList()

  constructor(networks: readonly IpNetwork[]) {
    this.#networks = networks
    for (const { ip, bits } of networks) this.#list.addSubnet(ip, bits, family(ip))
  }

  /** @param ip with or without a zone */
  has(ip: string): boolean {
    const [address = ip] = ip.split('%')
    return this.#list.check(address, family(address))
  }

  /** Whether `network` has addresses in common with one of these. */
  overlaps(network: IpNetwork): boolean {
    if (this.has(network.ip)) return true
    const inside = new IpNetworks([network])
    return this.#networks.some(({ ip }) => inside.has(ip))
  }
}

function family(ip: string): 'ipv4' | 'ipv6' {
  return ip.includes(':') ? 'ipv6' : 'ipv4'
}
