import { readVarint } from '../../src/protobuf.ts'
import { decodePeer, type WirePeer } from '../../src/rendezvous/wire.ts'

export interface ListedPeer extends WirePeer {
  readonly connected: boolean
}

/** The peers of a part of an answer, from `encodePeers`. */
export function peersIn(part: Uint8Array = new Uint8Array()): ListedPeer[] {
  const encoded = new Uint8Array(part)
  const peers: ListedPeer[] = []
  const at = { offset: 0 }
  while (at.offset < encoded.length) {
    at.offset++
    const length = readVarint(encoded, at) ?? Number.NaN
    const bytes = encoded.subarray(at.offset, at.offset + length)
    at.offset += length
    const peer = decodePeer(bytes)
    if (peer === undefined) throw new Error('not a peer')
    // connection = CONNECTED is written last
    peers.push({ ...peer, connected: bytes.at(-2) === 3 << 3 && bytes.at(-1) === 1 })
  }
  return peers
}
