import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
// not exported: what the library itself reads and writes
import { Identify } from '../../../node_modules/@libp2p/identify/dist/src/pb/message.js'
import {
  addressesOfPeerRecord,
  decodeIdentify,
  encodeIdentify,
  framed
} from '../../../src/connection/identify/message.ts'
import { bytesField } from '../../../src/protobuf.ts'
import { newKey, nodeId, nodeKey } from '../lean/bench.ts'

const bytes = fc.uint8Array({ maxLength: 40 })
const message = fc.record(
  {
    publicKey: bytes,
    listenAddrs: fc.array(bytes, { maxLength: 5 }),
    protocols: fc.array(fc.string({ unit: 'binary', maxLength: 20 }), { maxLength: 5 }),
    protocolVersion: fc.string(),
    agentVersion: fc.string(),
    signedPeerRecord: bytes
  },
  { requiredKeys: ['listenAddrs', 'protocols'] }
)
// a Buffer is no longer one when it comes here
const plain = (value: object) =>
  JSON.stringify(value, (_key, item) => (item instanceof Uint8Array ? [...item] : (item?.data ?? item)))
const sorted = (value: object) => plain(Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))))

describe('the identify message', () => {
  it('is read by the library as it was written', () => {
    fc.assert(
      fc.property(message, (said) => {
        expect(sorted(Identify.decode(encodeIdentify(said)))).toBe(sorted(said))
      })
    )
  })

  it('is read as the library has written it, with the observed address', () => {
    fc.assert(
      fc.property(message, bytes, (said, observedAddr) => {
        const read = decodeIdentify(Identify.encode({ ...said, observedAddr }))
        expect(sorted(read!)).toBe(sorted({ ...said, observedAddr }))
      })
    )
  })

  it('has its length in front, and the observed address of its peer', () => {
    const said = { listenAddrs: [], protocols: ['/a'.repeat(80)] }
    const observed = multiaddr('/ip4/198.51.100.1/tcp/1').bytes
    const frame = framed(encodeIdentify(said), observed)
    expect(frame[0]! & 0x80).toBe(0x80)
    expect(frame.length).toBe(2 + (frame[0]! & 0x7f) + frame[1]! * 128)
    expect(plain(Identify.decode(frame.subarray(2)))).toBe(
      plain(Identify.decode(Identify.encode({ ...said, observedAddr: observed })))
    )
  })

  it('names no more than 256 protocols and 64 addresses, however many parts there are', () => {
    const many = {
      listenAddrs: Array.from({ length: 200 }, () => Uint8Array.of(1)),
      protocols: Array.from({ length: 200 }, (_, i) => `/${i}`)
    }
    const once = decodeIdentify(encodeIdentify(many))
    const twice = decodeIdentify(encodeIdentify(many), once)
    expect([twice!.protocols.length, twice!.listenAddrs.length]).toEqual([256, 64])
  })

  it('has no address longer than 256 bytes: to read a peer id of 8 KiB takes 0.2 s', () => {
    const listenAddrs = [new Uint8Array(256), new Uint8Array(257), new Uint8Array(8000)]
    expect(decodeIdentify(encodeIdentify({ listenAddrs, protocols: [] }))?.listenAddrs).toEqual([
      expect.objectContaining({ length: 256 })
    ])
  })

  it('is not found in what is none; nothing makes it throw', () => {
    expect(decodeIdentify(Uint8Array.of(0x0a, 0x05, 1))).toBeUndefined()
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (random) => void decodeIdentify(random)))
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (random) => void addressesOfPeerRecord(random, random)))
  })
})

describe('the addresses of a signed peer record', () => {
  const multiaddrs = [multiaddr('/ip4/198.51.100.1/tcp/1'), multiaddr('/ip6/2001:db8::1/tcp/2')]
  const id = nodeId.toMultihash().bytes

  it('are read from what the library seals', async () => {
    const envelope = await RecordEnvelope.seal(new PeerRecord({ peerId: nodeId, multiaddrs }), nodeKey)
    expect(addressesOfPeerRecord(envelope.marshal().subarray(), id)).toEqual(
      multiaddrs.map((address) => expect.objectContaining([...address.bytes]))
    )
  })

  it("are not taken from somebody else's, nor from what is no record", async () => {
    const envelope = await RecordEnvelope.seal(new PeerRecord({ peerId: nodeId, multiaddrs }), await newKey())
    const other = Uint8Array.from(id).fill(7, 6)
    expect(addressesOfPeerRecord(envelope.marshal().subarray(), other)).toBeUndefined()
    expect(addressesOfPeerRecord(new Uint8Array(), id)).toBeUndefined()
    expect(addressesOfPeerRecord(Uint8Array.of(0x1a, 0x01, 0x0a), id)).toBeUndefined()
  })

  it('have 256 bytes at most', () => {
    const address = (length: number) => bytesField(3, bytesField(1, new Uint8Array(length)))
    const record = Buffer.concat([bytesField(1, id), address(256), address(257)])
    expect(addressesOfPeerRecord(bytesField(3, record), id)).toEqual([expect.objectContaining({ length: 256 })])
  })

  it('are 64 at most', async () => {
    const many = Array.from({ length: 100 }, (_, i) => multiaddr(`/ip4/198.51.100.1/tcp/${i + 1}`))
    const envelope = await RecordEnvelope.seal(new PeerRecord({ peerId: nodeId, multiaddrs: many }), nodeKey)
    expect(addressesOfPeerRecord(envelope.marshal().subarray(), id)).toHaveLength(64)
  })
})
