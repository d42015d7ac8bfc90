import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterEach, expect, it, vi } from 'vitest'
import { BootstrapNode } from '../../src/bootstrap-node.ts'
import { PeerDatastore } from '../../src/peers/peer-datastore.ts'
import { testConfig } from '../support/config.ts'

let node: BootstrapNode | undefined
afterEach(() => node?.close())

it('a peer that is not in the store is missed without asking the datastore, and found once it is there', async () => {
  node = await BootstrapNode.create(testConfig())
  const { peerStore, peerId: self } = node.libp2p
  const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  const asked = vi.spyOn(PeerDatastore.prototype, 'get')

  await expect(peerStore.get(peer)).rejects.toMatchObject({ name: 'NotFoundError' })
  expect(asked).not.toHaveBeenCalled()
  await peerStore.merge(peer, { protocols: ['/a'] })
  expect((await peerStore.get(peer)).protocols).toEqual(['/a'])
  expect((await peerStore.get(self)).id.equals(self)).toBe(true)
  await peerStore.delete(peer)
  await expect(peerStore.get(peer)).rejects.toMatchObject({ name: 'NotFoundError' })
})
