import type { Connection, Libp2pEvents } from '@libp2p/interface'
import { TypedEventEmitter } from '@libp2p/interface'
import { expect, it } from 'vitest'
import { ConnectionIndex } from '../../src/admission/connection-index.ts'

const connection = (peer: string) => ({ remotePeer: { toString: () => peer } }) as unknown as Connection

function build() {
  const events = new TypedEventEmitter<Libp2pEvents>()
  const index = new ConnectionIndex(events)
  const say = (type: 'connection:open' | 'connection:close', peer: string) =>
    events.dispatchEvent(new CustomEvent(type, { detail: connection(peer) }))
  return {
    index,
    open: (peer: string) => say('connection:open', peer),
    close: (peer: string) => say('connection:close', peer)
  }
}

it('counts connections and peers, and forgets a peer with its last connection', () => {
  const { index, open, close } = build()
  open('a')
  open('a')
  open('b')
  expect([index.connections, index.connectedPeers, index.isConnected('a')]).toEqual([3, 2, true])
  close('a')
  expect([index.connections, index.connectedPeers, index.isConnected('a')]).toEqual([2, 2, true])
  close('a')
  close('b')
  expect([index.connections, index.connectedPeers, index.isConnected('a')]).toEqual([0, 0, false])
})

it('a close that had no open counts for nothing', () => {
  const { index, close } = build()
  close('a')
  expect([index.connections, index.connectedPeers]).toEqual([0, 0])
})

it('hears nothing after it was closed', () => {
  const { index, open } = build()
  index.close()
  open('a')
  expect(index.connections).toBe(0)
})
