import { type Connection, type Libp2pEvents, TypedEventEmitter } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { logPeerConnections } from '../../src/observe/peer-log.ts'
import { collectedLog } from '../support/log.ts'

const events = new TypedEventEmitter<Libp2pEvents>()
let addressesMade = 0
const detail = {
  remotePeer: { toString: () => '12D3KooWPeer' },
  get remoteAddr() {
    addressesMade++
    return multiaddr('/ip4/192.0.2.7/tcp/4001')
  }
} as unknown as Connection

function comeAndGo(): void {
  events.safeDispatchEvent('connection:open', { detail })
  events.safeDispatchEvent('connection:close', { detail })
}

it('says who comes and goes in the words of the Go service, until it is stopped', () => {
  const { logger, lines } = collectedLog()
  const stop = logPeerConnections(events, 'info', logger)
  comeAndGo()
  stop()
  comeAndGo()
  expect(lines.map(({ text }) => text)).toEqual([
    'Bootstrap Peer connected: 12D3KooWPeer, Addr: /ip4/192.0.2.7/tcp/4001',
    'Bootstrap Peer disconnected: 12D3KooWPeer, Addr: /ip4/192.0.2.7/tcp/4001'
  ])
})

it('asks for no address at a level that is off', () => {
  const { logger, lines } = collectedLog()
  logger.level = 'info'
  addressesMade = 0
  const stop = logPeerConnections(events, 'debug', logger)
  comeAndGo()
  stop()
  expect([addressesMade, lines]).toEqual([0, []])
})
