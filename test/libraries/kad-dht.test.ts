import type { PeerId } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { type KadDHT, type KadDHTInit, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import type { Libp2p } from 'libp2p'
import { expect, it } from 'vitest'
import { mended, stockNode, stockServices } from './support.ts'

const kad = '@libp2p/kad-dht'
const service = 'src/rendezvous/service.ts'
const protocol = '/ipfs/kad/1.0.0'

interface Internals extends KadDHT {
  readonly rpc: { readonly incomingMessageTimeout: number }
  readonly routingTable: { readonly size: number }
  stop(): Promise<void>
}

async function kadNode(init: KadDHTInit & Record<string, unknown> = {}): Promise<[node: Libp2p, dht: Internals]> {
  const options: KadDHTInit = {
    protocol,
    clientMode: false,
    peerInfoMapper: passthroughMapper,
    allowQueryWithZeroPeers: true,
    ...init
  }
  const node = await stockNode({ services: { ...stockServices, dht: kadDHT(options) } })
  return [node, node.services.dht as Internals]
}

it('a stream without a message for 10 s is reset, and no option says otherwise', async () => {
  const [, { rpc }] = await kadNode({ incomingMessageTimeout: 60_000 })
  expect(rpc.incomingMessageTimeout, mended(kad, 'incomingMessageTimeout can be set', service)).toBe(10_000)
})

it('the protocol stays registered when the service has stopped', async () => {
  const [node, dht] = await kadNode()
  await dht.stop()
  const { registrar } = (node as unknown as { components: { registrar: Registrar } }).components
  expect(registrar.getProtocols(), mended(kad, 'its stop() unregisters', `the end of stop() in ${service}`)).toContain(
    protocol
  )
})

it('the routing table keeps peers that have left', async () => {
  const [[server, { routingTable }], [peer]] = await Promise.all([kadNode(), kadNode()])
  await peer.dial(server.getMultiaddrs())
  await expect.poll(() => routingTable.size).toBe(1)
  const left = new Promise<PeerId>((resolve) =>
    server.addEventListener('peer:disconnect', ({ detail }) => resolve(detail), { once: true })
  )
  await peer.stop()
  await left
  expect(routingTable.size, mended(kad, 'peers leave the routing table', `#closerPeers in ${service}`)).toBe(1)
})
