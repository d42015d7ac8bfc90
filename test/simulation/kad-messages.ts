import type { PeerId } from '@libp2p/interface'
import { bytesField, varint } from '../../src/protobuf.ts'

/** Requests as go-libp2p-kad-dht writes them (pb/dht.proto), each with its length in front. */
const ADD_PROVIDER = 2
const GET_PROVIDERS = 3

export function addProvider(key: string, peer: PeerId, address: Uint8Array): Uint8Array {
  const provider = Buffer.concat([bytesField(1, peer.toMultihash().bytes), bytesField(2, address)])
  return framed([Uint8Array.of(0x08, ADD_PROVIDER), bytesField(2, Buffer.from(key)), bytesField(9, provider)])
}

export function getProviders(key: string): Uint8Array {
  return framed([Uint8Array.of(0x08, GET_PROVIDERS), bytesField(2, Buffer.from(key))])
}

function framed(fields: readonly Uint8Array[]): Uint8Array {
  const message = Buffer.concat(fields)
  return Buffer.concat([varint(message.length), message])
}
