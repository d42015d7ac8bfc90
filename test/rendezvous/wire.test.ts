import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeRecord,
  decodeRequest,
  encodeAnswer,
  encodePeer,
  encodeRecord,
  MessageType,
  maxAnswerBytes
} from '../../src/rendezvous/wire.ts'

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
const text = (words: string) => new Uint8Array(Buffer.from(words, 'latin1'))

// Written by go-libp2p-kad-dht 0.34.0 (pb.Message through protodelim), the length in front
const id = bytes('002408011220' + '03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8')
const address = bytes('047f000001060fa1')
const unknownAddress = bytes('fe7f01aa')
const key = text('\x12\x20' + '0123456789abcdef0123456789abcdef')
const peer = `0a26${Buffer.from(id).toString('hex')}1208047f000001060fa1`
const fromGo = {
  ping: bytes('020805'),
  findNode: bytes(`2c08041226${Buffer.from(id).toString('hex')}5001`),
  addProvider: bytes(`5a08021222${Buffer.from(key).toString('hex')}4a32${peer}`),
  getProviders: bytes(`2608031222${Buffer.from(key).toString('hex')}`),
  answer: bytes(
    `cd0108031222${Buffer.from(key).toString('hex')}4232${peer}4a3a${peer}1204fe7f01aa18014a32${peer}50ac02`
  ),
  putValue: bytes('2d12052f706b2f781a240a052f706b2f781201762a18323032362d31312d32335430303a30303a30302e3030305a')
}
const body = (framed: Uint8Array) => framed.subarray(framed[0]! >= 128 ? 2 : 1)

describe('requests as Go writes them', () => {
  it('PING', () => {
    expect(decodeRequest(body(fromGo.ping))).toMatchObject({ type: MessageType.PING, clusterLevel: 0 })
  })

  it('FIND_NODE', () => {
    const request = decodeRequest(body(fromGo.findNode))
    expect(request).toMatchObject({ type: MessageType.FIND_NODE, clusterLevel: 1 })
    expect(request?.key).toEqual(id)
  })

  it('ADD_PROVIDER', () => {
    const request = decodeRequest(body(fromGo.addProvider))
    expect(request?.key).toEqual(key)
    expect(request?.providerPeers).toEqual([{ id, addrs: [address] }])
  })

  it('GET_PROVIDERS', () => {
    expect(decodeRequest(body(fromGo.getProviders))).toMatchObject({
      type: MessageType.GET_PROVIDERS,
      providerPeers: []
    })
  })

  it('PUT_VALUE, without the time that the sender claims', () => {
    const request = decodeRequest(body(fromGo.putValue))
    expect(request?.type).toBe(MessageType.PUT_VALUE)
    expect(decodeRecord(request!.record!)).toEqual({ key: text('/pk/x'), value: text('v') })
  })
})

describe('answers as Go reads them', () => {
  it('are the bytes that Go itself would write', () => {
    const plain = encodePeer(id, [address])
    const answer = encodeAnswer({
      type: MessageType.GET_PROVIDERS,
      clusterLevel: 300,
      key,
      closerPeers: [{ encoded: plain, connected: false }],
      providerPeers: [
        { encoded: encodePeer(id, [address, unknownAddress]), connected: true },
        { encoded: plain, connected: false }
      ]
    })
    expect(Buffer.from(answer).toString('hex')).toBe(Buffer.from(fromGo.answer).toString('hex'))
  })

  it('carry a record with the time of receipt', () => {
    const record = encodeRecord({ key: text('/pk/x'), value: text('v') }, new Date('2026-11-23T00:00:00.000Z'))
    const answer = encodeAnswer({ type: MessageType.PUT_VALUE, clusterLevel: 0, key: text('/pk/x'), record })
    // Go leaves out a type of 0
    expect(Buffer.from(answer).toString('hex')).toBe(`2f0800${Buffer.from(fromGo.putValue).toString('hex').slice(2)}`)
  })

  it('are never larger than Go reads, and keep the first', () => {
    const large = Array.from({ length: 16 }, (_, i) => new Uint8Array(256).fill(i))
    const peers = Array.from({ length: 1000 }, () => ({ encoded: encodePeer(id, large), connected: true }))
    const answer = encodeAnswer({
      type: MessageType.GET_PROVIDERS,
      clusterLevel: 0,
      key,
      closerPeers: peers.slice(0, 20),
      providerPeers: peers
    })
    expect(answer.length).toBeLessThan(maxAnswerBytes + 1000)
    expect(maxAnswerBytes).toBeLessThan(4 * 1024 * 1024 - 1000)
    expect(decodeRequest(answer.subarray(3))).toBeUndefined() // more providers than a request may name
  })

  it('keep nothing but their own bytes alive', () => {
    expect(encodePeer(id, [address]).buffer.byteLength).toBe(encodePeer(id, [address]).length)
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
    const [whole] = [body(fromGo.answer)]
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const damaged = new Uint8Array(whole)
        damaged[at] = byte
        decodeRequest(damaged)
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

  it('skips fields that it does not know, of every kind', () => {
    // 15: varint 1; 15: 64 bits; 15: 32 bits; 15: bytes; then type = PING
    const request = decodeRequest(bytes('7801' + '790000000000000000' + '7d00000000' + '7a0100' + '0805'))
    expect(request?.type).toBe(MessageType.PING)
  })
})
