import type { Socket } from 'node:net'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'

/** Where a socket leads. */
export interface RemoteEndpoint {
  /** IPv4 or IPv6; a client of IPv4 on a socket of IPv6 has an address of IPv4. */
  readonly ip: string
  readonly port: number
}

const mappedPrefix = '::ffff:'

/** undefined: the socket is not connected any more. */
export function remoteEndpoint({ remoteAddress, remotePort }: Socket): RemoteEndpoint | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined
  const isMapped = remoteAddress.startsWith(mappedPrefix) && remoteAddress.includes('.')
  return { ip: isMapped ? remoteAddress.slice(mappedPrefix.length) : remoteAddress, port: remotePort }
}

export function remoteMultiaddr({ ip, port }: RemoteEndpoint): Multiaddr {
  // a link-local address names its zone, which means nothing to anybody else
  const [address = ip] = ip.split('%')
  return multiaddr(ip.includes(':') ? `/ip6/${address}/tcp/${port}` : `/ip4/${ip}/tcp/${port}`)
}
