import {
  type CircuitRelayServerComponents,
  type CircuitRelayService,
  circuitRelayServer,
  type Limit
} from '@libp2p/circuit-relay-v2'
import type { AbortOptions, Connection, Libp2pEvents, Stream, TypedEventTarget } from '@libp2p/interface'
import type { Clock } from '../../clock.ts'
import type { RelayLimits } from '../../config/index.ts'
import { CircuitCount } from './circuit-count.ts'
import { refuseLongRequest } from './request-length.ts'
import { circuitLifeMs, type Protection, Reservations } from './reservations.ts'

/** Go's default (circuitv2/relay DefaultLimit), for each direction of a circuit. */
const circuitBytes = 128 * 1024

/** Real ones have 34 to 42. */
const maxPeerIdBytes = 64

/** What peers read: seconds and bytes (circuit relay v2 specification, message Limit). */
const wireLimit: Limit = { duration: circuitLifeMs / 1000, data: BigInt(circuitBytes) }

/** HopMessage { type = STATUS, status = RESOURCE_LIMIT_EXCEEDED }: the library does not export its codec. */
const resourceLimitExceeded = { encode: () => Uint8Array.of(0x08, 2, 0x28, 0xc9, 0x01) }

interface HopPeer {
  id: Uint8Array
  addrs: Uint8Array[]
}

interface HopMessage {
  type?: string
  status?: string
  limit?: Limit
  peer?: HopPeer
}

interface MessageStream {
  read(options?: AbortOptions): Promise<HopMessage>
  write(message: HopMessage, options?: AbortOptions): Promise<void>
  unwrap(): unknown
}

interface ProtobufStream {
  pb(codec: unknown): MessageStream
  unwrap(): Stream
}

interface Hop {
  connection: Connection
  request: HopMessage
  stream: ProtobufStream
}

/** What this wraps of the library's class: public there, but for the store, and not in its interface. */
interface RelayServer {
  reservationStore: Reservations
  onHop(stream: Stream, connection: Connection): Promise<void>
  handleHopProtocol(hop: Hop, options: AbortOptions): Promise<void>
  stopHop(stop: { connection: Connection; request: HopMessage }, options: AbortOptions): Promise<Stream | undefined>
}

export type Relay = CircuitRelayService & { readonly circuitCount: CircuitCount }

export type RelayComponents = CircuitRelayServerComponents & { events: TypedEventTarget<Libp2pEvents> }

/**
 * Circuit relay v2 with the limits of go-libp2p, in the units that Go reads. `@libp2p/circuit-relay-v2` 4.2.13 sends
 * the duration in milliseconds where the specification says seconds (2 minutes become 33 hours), counts the bytes of
 * both directions as one, and knows no limit of circuits for a peer; hence the store and the wrapped methods.
 */
export function relay(
  limits: RelayLimits,
  clock: Clock,
  protection: Protection
): (components: RelayComponents) => Relay {
  return (components) => {
    const service = circuitRelayServer()(components)
    const server = service as unknown as RelayServer
    const reservations = new Reservations(limits, clock, protection)
    const circuitCount = new CircuitCount(limits.maxCircuitsPerPeer)
    server.reservationStore = reservations
    components.events.addEventListener('peer:disconnect', (event) => reservations.removeReservation(event.detail))

    /** The far end of each circuit that is being made, under the options object of its request. */
    const destinations = new WeakMap<AbortOptions, Stream>()

    const onHop = server.onHop
    server.onHop = (stream, connection) => {
      refuseLongRequest(stream)
      return onHop(stream, connection)
    }

    const handle = server.handleHopProtocol.bind(server)
    server.handleHopProtocol = async ({ connection, request: asked, stream }, { signal }) => {
      const request = readable(asked)
      const ends = [connection.remotePeer.toMultihash().bytes, request.peer?.id ?? new Uint8Array()]
      const options: AbortOptions = signal === undefined ? {} : { signal }
      if (request.type === 'CONNECT' && !circuitCount.hasRoomFor(ends)) {
        return stream.pb(resourceLimitExceeded).write({}, options)
      }
      const unwrap = () => {
        const source = stream.unwrap()
        const destination = destinations.get(options)
        if (destination !== undefined) {
          // only here, as the library joins the two streams in this very turn: a stream that has a listener delivers
          limitBytes(source)
          limitBytes(destination)
          circuitCount.track(ends, source)
        }
        return source
      }
      return handle({ connection, request, stream: { unwrap, pb: (codec) => inWireUnits(stream.pb(codec)) } }, options)
    }

    const stop = server.stopHop.bind(server)
    server.stopHop = async (args, options) => {
      const stream = await stop({ ...args, request: { ...args.request, limit: wireLimit } }, options)
      if (stream !== undefined) destinations.set(options, stream)
      return stream
    }
    return Object.assign(service, { circuitCount })
  }
}

/**
 * A request without what the library (4.2.13, server/index.js, handleConnect) reads in quadratic time and has no use for: an
 * address of 8 KiB with a peer id takes 0.2 s, and 4 MiB may come. Go ignores the addresses, too. An id that is too long is
 * none: MALFORMED_MESSAGE.
 */
function readable({ peer, ...request }: HopMessage): HopMessage {
  if (peer === undefined || peer.id.length > maxPeerIdBytes) return request
  return { ...request, peer: { id: peer.id, addrs: [] } }
}

/** The same messages, with limits as peers read them. */
function inWireUnits(messages: MessageStream): MessageStream {
  return {
    ...messages,
    write: (message, options) =>
      messages.write(message.status === 'OK' ? { ...message, limit: wireLimit } : message, options)
  }
}

/** Ends the circuit when one side has sent more than its share; the library ends both streams with either. */
function limitBytes(stream: Stream): void {
  let left = circuitBytes
  stream.addEventListener('message', ({ data }) => {
    left -= data.byteLength
    if (left < 0) stream.abort(new Error(`the circuit has carried its ${circuitBytes} bytes`))
  })
}
