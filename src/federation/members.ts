import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { redact } from '../identity/redact.ts'
import { peerKey } from '../peers/peer-key.ts'

/** Another bootstrap node that this one keeps a connection to. */
export interface Member {
  readonly id: PeerId
  /** From `peerKey` its id. */
  readonly key: string
  /** Where it is dialed, as it was given, with its peer id; at least one. */
  readonly addresses: readonly Multiaddr[]
}

export interface Membership {
  readonly members: readonly Member[]
  /** What of the list is of no use and why, a sentence each. */
  readonly problems: readonly string[]
}

/**
 * An answer names 20 closer peers (Kademlia's k) and a Go client advertises to 20: with more nodes none would be sure to
 * have every record.
 */
export const maxMembers = 20
export const maxAddressesPerMember = 8
/** A domain name has 253 characters, a peer id some 60. The library takes seconds for a text of 60,000. */
const maxAddressChars = 512
/** More is not told of a text that is no address. */
const maxQuotedChars = 120

const hosts = new Set(['ip4', 'ip6', 'dns', 'dns4', 'dns6'])

/**
 * Reads BOOTSTRAP_PEERS. Nothing in it keeps the node from running: a federation that is one node short is better than a
 * node that is down.
 *
 * @param self this node's peer id
 */
export function readMembers(list: readonly string[], self: string): Membership {
  const byId = new Map<string, { id: PeerId; addresses: Map<string, Multiaddr> }>()
  const problems: string[] = []
  for (const text of list) {
    const leaveOut = (why: string) => problems.push(`BOOTSTRAP_PEERS: ${quoted(text)} is left out: ${why}`)
    const read = readAddress(text)
    if (read === undefined) {
      leaveOut('it is no multiaddr such as /ip4/203.0.113.7/tcp/4001/p2p/12D3Koo…')
      continue
    }
    const { id, address } = read
    const name = id.toString()
    if (name === self) {
      leaveOut('it is this node itself')
      continue
    }
    const member = byId.get(name) ?? { id, addresses: new Map<string, Multiaddr>() }
    if (!byId.has(name) && byId.size >= maxMembers) leaveOut(`more than ${maxMembers} nodes are listed`)
    else if (member.addresses.size >= maxAddressesPerMember) leaveOut(`the node has ${maxAddressesPerMember} addresses`)
    else {
      byId.set(name, member)
      member.addresses.set(address.toString(), address)
    }
  }
  const members = [...byId.values()].map(({ id, addresses }) => ({
    id,
    key: peerKey(id),
    addresses: [...addresses.values()]
  }))
  return { members, problems }
}

/** A host, its TCP port, a peer id, and nothing else: what libp2p's TCP transport dials and can verify. */
function readAddress(text: string): { id: PeerId; address: Multiaddr } | undefined {
  if (text.length > maxAddressChars) return undefined
  try {
    const address = multiaddr(text)
    const [host, transport, peer, ...rest] = address.getComponents()
    if (rest.length > 0 || peer?.value === undefined) return undefined
    if (!hosts.has(host?.name ?? '') || transport?.name !== 'tcp' || peer.name !== 'p2p') return undefined
    return { id: peerIdFromString(peer.value), address }
  } catch {
    return undefined
  }
}

function quoted(text: string): string {
  const shown = redact(text)
  return JSON.stringify(shown.length > maxQuotedChars ? `${shown.slice(0, maxQuotedChars)}…` : shown)
}
