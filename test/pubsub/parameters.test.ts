import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect, it } from 'vitest'
import { meshParameters, networkTopics, parameterHash, peerScore } from '../../src/pubsub/parameters.ts'
import { messageId } from '../../src/pubsub/service.ts'

it('has the hash that every node of the network prints', () => {
  expect(parameterHash(meshParameters)).toBe('301ee7d973e981a7')
})

it('another parameter is another hash', () => {
  expect(parameterHash({ ...meshParameters, D: 11 as 10 })).not.toBe('301ee7d973e981a7')
})

it('scores the two topics of the prefix, and itself above all', () => {
  const score = peerScore('/prefix', 'me')
  expect(Object.keys(score.topics)).toEqual([...networkTopics('/prefix')])
  expect(networkTopics('/prefix')).toEqual(['/prefix/0', '/prefix/all'])
  expect(score.appSpecificScore('me')).toBe(100_000)
  expect(score.appSpecificScore('other')).toBe(10_000)
})

it('a message is known by its sender and number, as in Go', async () => {
  const from = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  const id = messageId({ type: 'signed', from, sequenceNumber: 258n } as Parameters<typeof messageId>[0])
  expect(Buffer.from(id)).toEqual(Buffer.concat([from.toMultihash().bytes, Buffer.from([0, 0, 0, 0, 0, 0, 1, 2])]))
})
