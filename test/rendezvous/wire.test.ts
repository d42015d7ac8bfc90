import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameReader } from '../../src/frames.ts'
import { varint } from '../../src/protobuf.ts'
import {
  encodeAnswer,
  encodePeer,
  encodePeers,
  encodeRecord,
  maxAnswerBytes,
  maxProvidersBytes
} from '../../src/rendezvous/encode.ts'
import { decodePeer, decodeRecord, decodeRequest, MessageType } from '../../src/rendezvous/wire.ts'
import go from './go-vectors.json' with { type: 'json' }
import { peersIn } from './peers-in.ts'

type Vector = (typeof go.vectors)[number]
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
const body = (framed: Uint8Array) => framed.subarray(framed[0]! >= 128 ? 2 : 1)
const vector = (name: string): Vector => {
  const found = go.vectors.find((candidate) => candidate.name === name)
  if (found === undefined) throw new Error(`no vector ${name}`)
  return found
}
const peersOf = (peers: Vector['providers']) =>
  peers.map(({ id, addrs, connected }) => ({
    encoded: encodePeer(bytes(id), addrs.map(bytes)),
    connections: connected ? 1 : 0
  }))

describe('messages as Go writes them', () => {
  it.each(go.vectors.map((given) => [given.name, given] as const))('%s is read', (_name, given) => {
    const request = decodeRequest(body(bytes(given.framed)))
    expect(request).toMatchObject({ type: given.type, clusterLevel: given.clusterLevel, key: bytes(given.key) })
    expect(request?.providerPeers).toEqual(
      given.providers.map(({ id, addrs }) => ({ id: bytes(id), addrs: addrs.map(bytes) }))
    )
    if (given.record === undefined) return expect(request?.record).toBeUndefined()
    // without the time that the sender claims
    expect(decodeRecord(request!.record!)).toEqual({ key: bytes(given.record.key), value: bytes(given.record.value) })
  })

  // Go leaves out the type of PUT_VALUE, which is 0
  it.each(go.vectors.filter(({ type }) => type !== MessageType.PUT_VALUE).map((given) => [given.name, given] as const))(
    '%s is written as the same bytes',
    (_name, { framed, type, clusterLevel, key, closer, providers, record }) => {
      const answer = encodeAnswer({
        type: type as MessageType,
        clusterLevel,
        ...(key === '' ? {} : { key: bytes(key) }),
        closerPeers: encodePeers('closer', peersOf(closer)),
        providerPeers: encodePeers('provider', peersOf(providers)),
        ...(record === undefined
          ? {}
          : { record: encodeRecord({ key: bytes(record.key), value: bytes(record.value) }, new Date(record.time)) })
      })
      expect(Buffer.from(answer).toString('hex')).toBe(framed)
    }
  )
})

describe('answers', () => {
  const part = fc.uint8Array({ maxLength: 300 })
  const peer = fc.record({ id: part, addrs: fc.array(part, { maxLength: 5 }), connected: fc.boolean() })

  it('give back what they were made from', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(MessageType)),
        fc.nat(2 ** 31 - 1),
        part,
        fc.array(peer, { maxLength: 16 }),
        (type, clusterLevel, key, peers) => {
          const providerPeers = encodePeers(
            'provider',
            peers.map(({ id, addrs, connected }) => ({
              encoded: encodePeer(id, addrs),
              connections: connected ? 2 : 0
            }))
          )
          const frames = new FrameReader()
          frames.push(encodeAnswer({ type, clusterLevel, key, providerPeers }))
          const request = decodeRequest(frames.next() as Uint8Array)
          expect(frames.pendingBytes).toBe(0)
          expect(request).toMatchObject({ type, clusterLevel })
          expect(Buffer.from(request!.key)).toEqual(Buffer.from(key))
          const read = request!.providerPeers.map(({ id, addrs }) => [id, ...addrs].map((one) => Buffer.from(one)))
          expect(read).toEqual(peers.map(({ id, addrs }) => [id, ...addrs].map((one) => Buffer.from(one))))
          expect(peersIn(providerPeers)).toMatchObject(peers.map(({ connected }) => ({ connected })))
        }
      )
    )
  })

  it('are never larger than Go reads, and keep the first', () => {
    const large = Array.from({ length: 16 }, (_, i) => new Uint8Array(256).fill(i))
    const peers = Array.from({ length: 1000 }, (_, i) => ({
      encoded: encodePeer(Uint8Array.of(i >> 8, i & 255), large),
      connections: 1
    }))
    const providerPeers = encodePeers('provider', peers, maxProvidersBytes)
    const answer = encodeAnswer({
      type: MessageType.GET_PROVIDERS,
      clusterLevel: 0,
      key: new Uint8Array(80),
      closerPeers: encodePeers('closer', peers.slice(0, 20)),
      providerPeers
    })
    expect(answer.length).toBeLessThan(maxAnswerBytes)
    expect(maxAnswerBytes).toBeLessThan(4 * 1024 * 1024)
    const listed = peersIn(providerPeers)
    expect(listed.length).toBeGreaterThan(200)
    expect(listed.map(({ id }) => (id[0]! << 8) + id[1]!)).toEqual(listed.map((_, i) => i))
  })

  it('leave out who cannot be reached', () => {
    expect(encodePeers('closer', [{ encoded: undefined, connections: 1 }])).toHaveLength(0)
  })

  it('a part that is kept keeps nothing but its own bytes alive', () => {
    const encoded = encodePeers('provider', peersOf(vector('GET_PROVIDERS answer').providers))
    expect(encoded.buffer.byteLength).toBe(encoded.length)
  })
})

describe('bytes from anybody', () => {
  it('never throw, and are a message or not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (junk) => {
        const request = decodeRequest(junk)
        return request === undefined || Number.isFinite(request.type)
      }),
      { numRuns: 2000 }
    )
  })

  it('a message of Go with one byte changed never throws', () => {
    const whole = body(bytes(vector('GET_PROVIDERS answer').framed))
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const damaged = new Uint8Array(whole)
        damaged[at] = byte
        decodeRequest(damaged)
        decodePeer(damaged)
      })
    )
  })

  it.each([
    ['a field that is longer than the message', '12ff01'],
    ['a varint that is cut off', '0880'],
    ['a varint without end', `08${'ff'.repeat(11)}`],
    ['a group, which protobuf 3 does not have', '0b'],
    ['field number 0', '0001'],
    ['more providers than one can be', '4a00'.repeat(17)],
    ['a provider that is no Peer message', '4a020aff']
  ])('%s is no message', (_what, hex) => {
    expect(decodeRequest(bytes(hex))).toBeUndefined()
  })

  it('a provider with more addresses than anybody keeps is heard to the 64th', () => {
    const addresses = '1201aa'.repeat(10_000)
    const peer = bytes(`0a0101${addresses}`)
    expect(decodePeer(peer)).toMatchObject({ id: bytes('01') })
    expect(decodePeer(peer)?.addrs).toHaveLength(64)
    const request = decodeRequest(Buffer.concat([bytes('08024a'), varint(peer.length), peer, bytes('12016b')]))
    expect(request?.type).toBe(MessageType.ADD_PROVIDER)
    expect(request?.key).toHaveLength(1)
    expect(request?.providerPeers[0]?.addrs).toHaveLength(64)
  })

  it.each([
    ['fields', '1200'.repeat(129)],
    ['fields that nobody knows', '7801'.repeat(129)],
    ['fields in a provider', `4a8202${'7801'.repeat(129)}`]
  ])('129 %s are no message', (_what, hex) => {
    expect(decodeRequest(bytes(hex))).toBeUndefined()
  })

  it('skips fields that it does not know, of every kind', () => {
    // 15: varint 1; 15: 64 bits; 15: 32 bits; 15: bytes; then type = PING
    const request = decodeRequest(bytes('7801' + '790000000000000000' + '7d00000000' + '7a0100' + '0805'))
    expect(request?.type).toBe(MessageType.PING)
  })
})
