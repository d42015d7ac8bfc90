import {
  type CircuitRelayServerComponents,
  type CircuitRelayService,
  circuitRelayServer,
  type Limit
} from '@libp2p/circuit-relay-v2'
import type { AbortOptions, Connection, Libp2pEvents, Stream, TypedEventTarget } from '@libp2p/interface'
import type { Clock } from '../../clock.ts'
import type { RelayLimits } from '../../config/index.ts'
import { carryCounted, circuitBytes } from './circuit-bytes.ts'
import { CircuitCount } from './circuit-count.ts'
import { limitEarlyBytes } from './early-bytes.ts'
import { EndedStreams } from './ended-streams.ts'
import { circuitLifeMs, type Protection, Reservations } from './reservations.ts'

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

/** What the library (4.2.13, server/index.js, stopHop) needs of the connection to the far end. */
type StopConnection = Pick<Connection, 'remotePeer' | 'newStream'>

/** What this wraps of the library's class: public there, but for the store, and not in its interface. */
interface RelayServer {
  reservationStore: Reservations
  onHop(stream: Stream, connection: Connection): Promise<void>
  handleHopProtocol(hop: Hop, options: AbortOptions): Promise<void>
  stopHop(stop: { connection: StopConnection; request: HopMessage }, options: AbortOptions): Promise<Stream | undefined>
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

    const ended = new EndedStreams(clock)

    /** Streams of requests that are being answered, with what is to be called when one becomes part of a circuit. */
    const asking = new WeakMap<Stream, () => void>()
    /** The far end of each circuit that is being made, under the options object of its request. */
    const destinations = new WeakMap<AbortOptions, Stream>()

    const onHop = server.onHop
    server.onHop = async (stream, connection) => {
      asking.set(stream, limitEarlyBytes(stream))
      try {
        await onHop(stream, connection)
      } finally {
        // the library leaves it open, which Go does not
        if (asking.has(stream)) ended.end(stream)
      }
    }

    const handle = server.handleHopProtocol.bind(server)
    server.handleHopProtocol = async ({ connection, request: asked, stream }, { signal }) => {
      const request = readable(asked)
      const options: AbortOptions = signal === undefined ? {} : { signal }
      const pb = (codec: unknown) => inWireUnits(stream.pb(codec))
      if (request.type !== 'CONNECT' || request.peer === undefined) {
        return handle({ connection, request, stream: { unwrap: () => stream.unwrap(), pb } }, options)
      }

      const leave = circuitCount.take([connection.remotePeer.toMultihash().bytes, request.peer.id])
      if (leave === undefined) return stream.pb(resourceLimitExceeded).write({}, options)
      let isJoined = false
      const unwrap = () => {
        const source = stream.unwrap()
        const destination = destinations.get(options)
        if (destination?.status !== 'open' || source.status !== 'open')
          throw new Error('an end of the circuit has left')
        // only here, as the library joins the two streams in this very turn: a stream that has a listener delivers
        asking.get(source)?.()
        asking.delete(source)
        carryCounted(source, destination)
        carryCounted(destination, source)
        source.addEventListener('close', leave, { once: true })
        isJoined = true
        return source
      }
      try {
        await handle({ connection, request, stream: { unwrap, pb } }, options)
      } finally {
        if (!isJoined) {
          leave()
          destinations.get(options)?.abort(new Error('the circuit was not made'))
        }
      }
    }

    const stop = server.stopHop.bind(server)
    server.stopHop = async ({ connection, request }, options) => {
      let opened: { stream: Stream; release: () => void } | undefined
      const limited = limitedStreams(connection, (stream) => {
        opened = { stream, release: limitEarlyBytes(stream) }
      })
      try {
        const stream = await stop({ connection: limited, request: { ...request, limit: wireLimit } }, options)
        if (stream === undefined) return undefined
        opened?.release()
        destinations.set(options, stream)
        return stream
      } finally {
        if (opened !== undefined && !destinations.has(options)) ended.end(opened.stream)
      }
    }
    return Object.assign(service, { circuitCount })
  }
}

/** The connection, whose streams are shown before their opener has them, in the same turn: what comes then is not missed. */
function limitedStreams(connection: StopConnection, onStream: (stream: Stream) => void): StopConnection {
  return {
    remotePeer: connection.remotePeer,
    newStream: (protocols, options) => {
      const opening = connection.newStream(protocols, options)
      opening.then(onStream, () => {})
      return opening
    }
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
