import { type CircuitRelayService, circuitRelayServer } from '@libp2p/circuit-relay-v2'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, it, vi } from 'vitest'
import { bytesField, varint } from '../../src/protobuf.ts'
import { mended, newPeerId, stockNode, stockServices } from './support.ts'

const relay = '@libp2p/circuit-relay-v2'

afterEach(() => void vi.restoreAllMocks())

interface Written {
  readonly limit?: { readonly duration?: number }
}

interface Internals extends CircuitRelayService {
  readonly reservationStore: {
    readonly reservations: { readonly size: number }
    reserve(peer: PeerId, address: Multiaddr): unknown
  }
  onHop(stream: Stream, connection: Connection): Promise<void>
  handleReserve(request: { stream: object; connection: Connection }, options: object): Promise<void>
}

it('limits are sent in milliseconds, and a reservation stays when its peer has left', async () => {
  const { services, ...node } = await stockNode({ services: { ...stockServices, relay: circuitRelayServer() } })
  const server = services.relay as Internals
  const written: Written[] = []
  const messages = {
    write: async (message: Written) => void written.push(message),
    unwrap: () => ({ unwrap: () => ({ close: async () => {} }) })
  }
  const remotePeer = await newPeerId()
  const connection = { remotePeer, remoteAddr: multiaddr('/ip4/198.51.100.1/tcp/1') } as Connection
  await server.handleReserve({ stream: { pb: () => messages }, connection }, {})

  const units = mended(relay, 'limits are sent in seconds', 'inWireUnits in src/host/relay/service.ts')
  expect(written[0]?.limit?.duration, units).toBe(120_000)
  const { events } = (node as unknown as { components: { events: EventTarget } }).components
  events.dispatchEvent(new CustomEvent('peer:disconnect', { detail: remotePeer }))
  const news = mended(relay, 'a reservation ends when its peer leaves', 'src/host/relay/reservations.ts')
  expect(server.reservationStore.reservations.size, news).toBe(1)
})

it('a reservation that was refreshed twice ends when the first refresh does', async () => {
  const address = multiaddr('/ip4/198.51.100.1/tcp/1')
  const peer = await newPeerId()
  const { services } = await stockNode({ start: false, services: { ...stockServices, relay: circuitRelayServer() } })
  const { reservationStore } = services.relay as Internals
  const timeouts: AbortController[] = []
  vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => {
    timeouts.push(new AbortController())
    return timeouts.at(-1)!.signal
  })
  for (let i = 0; i < 3; i++) reservationStore.reserve(peer, address)
  expect(timeouts).toHaveLength(3)
  timeouts[1]!.abort()
  const news = mended('retimeable-signal', 'a refresh replaces the one before', 'src/host/relay/reservations.ts')
  expect(reservationStore.reservations.size, news).toBe(0)
})

it('a stream is left open when its request is answered, and megabytes that come on it are kept', async () => {
  const { services } = await stockNode({ services: { ...stockServices, relay: circuitRelayServer() } })
  const server = services.relay as Internals
  const [here, there] = await streamPair()
  const { bytes: nobody } = (await newPeerId()).toMultihash()
  const connection = { remotePeer: await newPeerId(), remoteAddr: multiaddr('/ip4/198.51.100.1/tcp/1') } as Connection
  const answered = new Promise((resolve) => there.addEventListener('message', resolve, { once: true }))
  const request = Buffer.concat([Uint8Array.of(0x08, 1), bytesField(2, bytesField(1, nobody))])
  there.send(Buffer.concat([varint(request.length), request]))
  await server.onHop(here, connection)
  await answered
  there.send(new Uint8Array(1024 * 1024))
  await expect.poll(() => there.writeBufferLength).toBe(0)

  const news = mended(relay, 'a stream ends with the answer', 'src/host/relay/early-bytes.ts and ended-streams.ts')
  expect([here.status, here.writeStatus, here.readStatus], news).toEqual(['open', 'writable', 'readable'])
})
