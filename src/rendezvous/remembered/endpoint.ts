import { CODE_IP4, CODE_IP6, CODE_P2P, CODE_TCP, type Multiaddr, multiaddr } from '@multiformats/multiaddr'

/** An IP address and a TCP port. */
export interface Endpoint {
  /** As the system writes it; an IPv4 address inside IPv6 is written as IPv4. */
  readonly ip: string
  readonly port: number
}

/**
 * Where to dial directly for `bytes`, a binary multiaddr. Undefined for all others: names, which somebody else resolves,
 * relays, other transports, and addresses that are nobody's (this machine's wildcard, which would be this machine, and
 * those of groups).
 */
export function endpointOf(bytes: Uint8Array): Endpoint | undefined {
  let address: Multiaddr
  try {
    address = multiaddr(bytes)
  } catch {
    return undefined
  }
  const [network, transport, peer, ...rest] = address.getComponents()
  if (network?.value === undefined || transport?.code !== CODE_TCP || rest.length > 0) return undefined
  if (network.code !== CODE_IP4 && network.code !== CODE_IP6) return undefined
  if (peer !== undefined && peer.code !== CODE_P2P) return undefined
  const ip = unmapped(network.value)
  const port = Number(transport.value)
  return port > 0 && isOfOne(ip) ? { ip, port } : undefined
}

export function endpointKey({ ip, port }: Endpoint): string {
  return `${ip} ${port}`
}

export function dialable({ ip, port }: Endpoint, peerId: string): Multiaddr {
  return multiaddr(`/${ip.includes(':') ? 'ip6' : 'ip4'}/${ip}/tcp/${port}/p2p/${peerId}`)
}

/** The multiaddr library writes an IPv4 address inside IPv6 in hexadecimal. */
function unmapped(ip: string): string {
  const [, high, low] = ip.match(/^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/) ?? []
  if (high === undefined || low === undefined) return ip
  const bits = (Number.parseInt(high, 16) << 16) | Number.parseInt(low, 16)
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.')
}

/** Neither a wildcard nor multicast nor broadcast. */
function isOfOne(ip: string): boolean {
  if (ip.includes(':')) return ip !== '::' && !ip.startsWith('ff')
  const first = Number.parseInt(ip, 10)
  return first > 0 && first < 224
}
