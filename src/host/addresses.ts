import { isIPv6 } from 'node:net'
import type { Libp2pEvents, Listener, TypedEventTarget } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import { isMultiaddr, type Multiaddr } from '@multiformats/multiaddr'

/** The multiaddr of a TCP port on an IP address. */
export function tcpMultiaddr(ip: string, port: number): string {
  return `/${isIPv6(ip) ? 'ip6' : 'ip4'}/${ip}/tcp/${port}`
}

/** The address an operator gives to others: the announced one, else one of the machine that is not loopback. */
export function addressToHandOut(addresses: readonly Multiaddr[], publicIp: string | undefined): string | undefined {
  const texts = addresses.map(String)
  const of = (prefix: string) => texts.find((text) => text.startsWith(prefix))
  const announced = publicIp === undefined ? undefined : of(`${tcpMultiaddr(publicIp, 0).split('/tcp/')[0]}/tcp/`)
  return announced ?? texts.find((text) => !/^\/(ip4\/127\.|ip6\/::1\/)/.test(text)) ?? texts[0]
}

/**
 * Says that this node is publicly reachable, as Go's ForceReachabilityPublic. libp2p 3.3.11 announces a public address
 * of an own interface only after AutoNAT has confirmed it (address-manager/transport-addresses.ts), which this node
 * does not run.
 */
export function announceEveryListenAddress(components: {
  events: TypedEventTarget<Libp2pEvents>
  addressManager: AddressManager
}): object {
  components.events.addEventListener('transport:listening', (event: CustomEvent<Listener>) => {
    for (const address of event.detail.getAddrs().filter(isMultiaddr)) {
      components.addressManager.confirmObservedAddr(address, { type: 'transport', ttl: Number.POSITIVE_INFINITY })
    }
  })
  return {}
}
