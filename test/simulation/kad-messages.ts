import type { PeerId } from '@libp2p/interface'

/** Requests as go-libp2p-kad-dht writes them (pb/dht.proto), each with its length in front. */
const ADD_PROVIDER = 2
const GET_PROVIDERS = 3

export function addProvider(key: string, peer: PeerId, address: Uint8Array): Uint8Array {
  const provider = [...bytesField(1, peer.toMultihash().bytes), ...bytesField(2, address)]
  return framed([0x08, ADD_PROVIDER, ...bytesField(2, Buffer.from(key)), ...bytesField(9, provider)])
}

export function getProviders(key: string): Uint8Array {
  return framed([0x08, GET_PROVIDERS, ...bytesField(2, Buffer.from(key))])
}

function framed(message: number[]): Uint8Array {
  return Uint8Array.from([...varint(message.length), ...message])
}

function bytesField(field: number, bytes: Iterable<number>): number[] {
  const content = [...bytes]
  return [(field << 3) | 2, ...varint(content.length), ...content]
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)]
}
