import { type Endpoint, endpointKey, endpointOf } from './endpoint.ts'
import type { FormerPeer } from './restore.ts'

/** A client lists one or two for each interface, and the first is nearly always the right one. */
const maxEndpointsPerPeer = 3

export interface OwnEndpoints {
  /** IP addresses of this machine's interfaces, loopback included. */
  readonly ips: ReadonlySet<string>
  /** Where this node listens, and what it announces: in a container, or behind NAT, the only sign of the address outside. */
  readonly endpoints: readonly Endpoint[]
}

export interface Choice {
  readonly endpoint: Endpoint
  /** The peer came from this IP address, so it is not somebody else's whom it names. */
  readonly isProven: boolean
}

/**
 * Where a peer that was connected may be dialled, the most likely first. A Go client dials from the port that it listens on,
 * so the address that it came from is one more when its port is among those.
 *
 * What a peer says of itself is no reason to dial this node, or other programs on this machine: addresses of this machine
 * are only for peers that came from it, and the announced one also for peers behind it. In a container the addresses of
 * the machine around it are not known, except the announced one: there a peer may name them as it may anybody's.
 */
export function choicesFor({ addrs, remote }: FormerPeer, own: OwnEndpoints): Choice[] {
  const from = endpointOf(remote)
  const listed = addrs.map(endpointOf).filter((endpoint) => endpoint !== undefined)
  const all = from !== undefined && listed.some(({ port }) => port === from.port) ? [from, ...listed] : listed

  const choices = new Map<string, Choice>()
  for (const endpoint of all) {
    const key = endpointKey(endpoint)
    if (!choices.has(key) && isForPeerFrom(from, endpoint, own)) {
      choices.set(key, { endpoint, isProven: endpoint.ip === from?.ip })
    }
  }
  return [...choices.values()].sort((a, b) => Number(b.isProven) - Number(a.isProven)).slice(0, maxEndpointsPerPeer)
}

function isForPeerFrom(from: Endpoint | undefined, { ip, port }: Endpoint, own: OwnEndpoints): boolean {
  const isInside = isOfThisMachine(ip, own)
  if (!isInside && !own.endpoints.some((announced) => announced.ip === ip)) return true
  if (from === undefined || own.endpoints.some((announced) => announced.port === port)) return false
  return isOfThisMachine(from.ip, own) || (!isInside && from.ip === ip)
}

function isOfThisMachine(ip: string, own: OwnEndpoints): boolean {
  return ip.startsWith('127.') || ip === '::1' || own.ips.has(ip)
}
