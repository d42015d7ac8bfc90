import { type IpNetwork, IpNetworks, parseIpNetwork } from '../peers/ip-networks.ts'

/** What comes from one source, which is an address prefix. */
export interface SourceLimits {
  /** Memory of its records and keys, and of its peers' addresses. */
  readonly maxBytesPerSource: number
  /** Sources that may have more, as they are many parties behind one address. Default: none. */
  readonly isGateway?: (prefix: string) => boolean
}

/**
 * Of all the memory for records. A peer with the network's two dozen keys and a handful of addresses takes 8.5 KB, so a
 * twentieth of 256 MB is 1,400 such peers of one /24; whoever fills it with identities takes 13 MB and no more.
 */
const sourceShare = 1 / 20

/**
 * @param maxBytes of all records
 * @param exempt networks in which an address may be a gateway
 */
export function sourceLimits(maxBytes: number, exempt: readonly IpNetwork[]): SourceLimits {
  const gateways = new IpNetworks(exempt)
  return {
    maxBytesPerSource: maxBytes * sourceShare,
    isGateway: (prefix) => {
      const network = parseIpNetwork(prefix)
      return network !== undefined && gateways.overlaps(network)
    }
  }
}
