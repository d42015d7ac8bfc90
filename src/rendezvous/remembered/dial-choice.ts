import { type Endpoint, endpointKey, endpointOf } from './endpoint.ts'
import type { FormerPeer } from './restore.ts'

/** A client lists one or two for each interface, and the first is nearly always the right one. */
const maxEndpointsPerPeer = 3

export interface OwnEndpoints {
  /** IP addresses of this machine's interfaces, loopback included. */
  readonly ips: ReadonlySet<string>
  /** Where this node listens, and what it announces. */
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
 * are only for peers that came from it.
 */
export function choicesFor({ addrs, remote }: FormerPeer, own: OwnEndpoints): Choice[] {
  const from = endpointOf(remote)
  const isNeighbour = from !== undefined && isOfThisMachine(from, own)
  const ownEndpoints = new Set(own.endpoints.map(endpointKey))
  const listed = addrs.map(endpointOf).filter((endpoint) => endpoint !== undefined)
  const all = from !== undefined && listed.some(({ port }) => port === from.port) ? [from, ...listed] : listed

  const choices = new Map<string, Choice>()
  for (const endpoint of all) {
    const key = endpointKey(endpoint)
    if (choices.has(key) || ownEndpoints.has(key)) continue
    if (isOfThisMachine(endpoint, own) && (!isNeighbour || own.endpoints.some(({ port }) => port === endpoint.port))) {
      continue
    }
    choices.set(key, { endpoint, isProven: endpoint.ip === from?.ip })
  }
  return [...choices.values()].sort((a, b) => Number(b.isProven) - Number(a.isProven)).slice(0, maxEndpointsPerPeer)
}

function isOfThisMachine({ ip }: Endpoint, own: OwnEndpoints): boolean {
  return ip.startsWith('127.') || ip === '::1' || own.ips.has(ip)
}
