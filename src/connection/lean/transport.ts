import type {
  Connection,
  CreateListenerOptions,
  DialTransportOptions,
  Libp2pEvents,
  Listener,
  PeerId,
  PrivateKey,
  Transport,
  TypedEventTarget
} from '@libp2p/interface'
import { type ComponentLogger, transportSymbol } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { type TCPComponents, tcp } from '@libp2p/tcp'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../../clock.ts'
import type { Timings } from '../../observe/timings.ts'
import type { ByteProtocol } from '../byte-stream.ts'
import type { Endings } from '../endings.ts'
import type { Credentials } from './credentials.ts'
import { type Admission, LeanListener, type ListenerParts, type Watch } from './listener.ts'
import type { Ports } from './ports.ts'
import { StreamRouter } from './stream-router.ts'

export interface LeanComponents extends TCPComponents {
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly registrar: Registrar
  readonly logger: ComponentLogger
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
}

export interface LeanParts {
  readonly clock: Clock
  /** Told of each listener that is made, one for each listen address. */
  readonly onListener: (listener: LeanListener) => void
  readonly ports: Ports
  readonly credentials: () => Credentials
  readonly admission: () => Admission
  readonly watch: Watch
  /** Protocols that are served on streams of little cost. */
  readonly protocols: ReadonlyMap<string, ByteProtocol>
  readonly failures: Endings
  readonly endings: Endings
  readonly timings?: Timings | undefined
}

/** TCP whose inbound connections are lean ones; it dials as the library does. */
export function leanTcp(parts: LeanParts): (components: LeanComponents) => Transport {
  return (components) => new LeanTcp(components, parts)
}

class LeanTcp implements Transport {
  readonly #stock: Transport
  readonly #listenerParts: ListenerParts
  readonly #onListener: LeanParts['onListener']

  constructor(components: LeanComponents, parts: LeanParts) {
    const { events, registrar, peerId } = components
    const { protocols, clock } = parts
    const log = components.logger.forComponent('powerloom:connection')
    this.#stock = tcp()(components)
    this.#onListener = parts.onListener
    let connections = 0
    this.#listenerParts = {
      ...parts,
      events,
      isSelf: ({ remotePeer }) => remotePeer.equals(peerId),
      nextConnectionId: () => (connections++).toString(36),
      router: new StreamRouter({ registrar, protocols, clock, log })
    }
  }

  readonly [transportSymbol] = true
  readonly [Symbol.toStringTag] = '@libp2p/tcp'

  dial(address: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    return this.#stock.dial(address, options)
  }

  /** The library's upgrader is not needed: a listener makes its connections itself. */
  createListener(_options: CreateListenerOptions): Listener {
    const listener = new LeanListener(this.#listenerParts)
    this.#onListener(listener)
    return listener
  }

  listenFilter(addresses: Multiaddr[]): Multiaddr[] {
    return this.#stock.listenFilter(addresses).filter((address) => !address.toString().startsWith('/unix/'))
  }

  dialFilter(addresses: Multiaddr[]): Multiaddr[] {
    return this.#stock.dialFilter(addresses)
  }
}
