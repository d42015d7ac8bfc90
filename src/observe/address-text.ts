import { CODE_P2P, type Multiaddr } from '@multiformats/multiaddr'

/** As Go prints a list of multiaddrs. */
export function listOf(addresses: readonly Multiaddr[]): string {
  return `[${addresses.map(withoutPeerId).join(' ')}]`
}

/** `/ip4/1.2.3.4/tcp/4001/p2p/<id>` without its end, as Go logs addresses. */
export function withoutPeerId(address: Multiaddr): string {
  return address.decapsulateCode(CODE_P2P).toString()
}
