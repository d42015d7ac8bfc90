import { type CircuitRelayService, circuitRelayServer } from '@libp2p/circuit-relay-v2'
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { mended, newPeerId, stockNode, stockServices } from './support.ts'

const relay = '@libp2p/circuit-relay-v2'

interface Written {
  readonly limit?: { readonly duration?: number }
}

interface Internals extends CircuitRelayService {
  readonly reservationStore: { readonly reservations: { readonly size: number } }
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
