import { generateKeyPair } from '@libp2p/crypto/keys'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { streamPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import type { Reservations } from '../../../src/host/relay/reservations.ts'
import { type RelayComponents, relay } from '../../../src/host/relay/service.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { status, stopAnswer } from './bench.ts'

const peer = async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))

/** What the relay answers to a request for a circuit. */
async function connect(to: { id: Uint8Array; addrs: Uint8Array[] }): Promise<unknown> {
  const limits = { maxReservations: 1, maxReservationsPerIp: 1, maxCircuitsPerPeer: 1 }
  const components = { logger: defaultLogger(), events: new EventTarget() } as unknown as RelayComponents
  const server = relay(limits, new SimulatedClock(), { protect() {}, unprotect() {} })(components) as unknown as {
    handleHopProtocol(hop: object, options: object): Promise<void>
  }
  const connection = { remotePeer: await peer(), remoteAddr: multiaddr('/ip4/10.0.0.1/tcp/1') }
  const answers: { status: string }[] = []
  const pb = () => ({ write: async (message: { status: string }) => void answers.push(message) })
  await server.handleHopProtocol({ connection, request: { type: 'CONNECT', peer: to }, stream: { pb } }, {})
  return answers[0]?.status
}

it('does not read addresses in a request for a circuit: what it would read takes a peer any time it wants', async () => {
  const { bytes: id } = (await peer()).toMultihash()
  expect(await connect({ id, addrs: [] })).toBe('NO_RESERVATION')
  // the library refuses a request with an address that it cannot read
  expect(await connect({ id, addrs: [Uint8Array.of(0xff)] })).toBe('NO_RESERVATION')
})

it('takes no peer id that is longer than real ones', async () => {
  const url = Buffer.from(`https://example.org/${'a'.repeat(40)}`)
  const id = Buffer.concat([Uint8Array.of(0, url.length), url])
  expect(id.length).toBe(62)
  expect(await connect({ id, addrs: [] })).toBe('NO_RESERVATION')
  const long = Buffer.concat([Uint8Array.of(0, url.length + 3), url, Buffer.from('aaa')])
  expect(await connect({ id: long, addrs: [] })).toBe('MALFORMED_MESSAGE')
})

describe('an end that leaves while the other is told that the circuit is there', () => {
  it.each(['source', 'destination'] as const)('leaves no circuit: %s', async (who) => {
    const [target, far] = await streamPair()
    const [source] = await streamPair()
    far.addEventListener('message', () => void far.send(stopAnswer(status.ok)), { once: true })
    const to = await peer()
    const remoteAddr = multiaddr('/ip4/10.0.0.1/tcp/1')
    const components = {
      logger: defaultLogger(),
      events: new EventTarget(),
      connectionGater: {},
      connectionManager: { getConnections: () => [{ remotePeer: to, newStream: async () => target }] }
    } as unknown as RelayComponents
    const limits = { maxReservations: 1, maxReservationsPerIp: 1, maxCircuitsPerPeer: 1 }
    const service = relay(limits, new SimulatedClock(), { protect() {}, unprotect() {} })(components)
    const server = service as unknown as {
      reservationStore: Reservations
      handleHopProtocol(hop: object, options: object): Promise<void>
    }
    server.reservationStore.reserve(to, remoteAddr)
    const told: string[] = []
    const write = async (message: { status: string }) => {
      told.push(message.status)
      const leaving = who === 'source' ? source : target
      leaving.abort(new Error('left'))
    }
    const hop = {
      connection: { remotePeer: await peer(), remoteAddr },
      request: { type: 'CONNECT', peer: { id: to.toMultihash().bytes, addrs: [] } },
      stream: { pb: () => ({ write }), unwrap: () => source }
    }
    await expect(server.handleHopProtocol(hop, {})).rejects.toThrow('has left')
    expect([told, target.status]).toEqual([['OK'], 'aborted'])
    expect([service.circuitCount.circuits, service.circuitCount.peers]).toEqual([0, 0])
    server.reservationStore.clear()
  })
})
