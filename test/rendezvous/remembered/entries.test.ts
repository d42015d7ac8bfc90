import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodePeerEntry,
  decodeRecordEntry,
  encodePeerEntry,
  encodeRecordEntry,
  type PeerEntry,
  type RecordEntry,
  recordEntryKey,
  recordOfEntryKey
} from '../../../src/rendezvous/remembered/entries.ts'

const binary = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'))
const timeMs = fc.nat(2 ** 47)
const peerEntry: fc.Arbitrary<PeerEntry> = fc.record({
  connected: fc.boolean(),
  dialFailed: fc.boolean(),
  seenAtMs: timeMs,
  remote: fc.uint8Array({ maxLength: 255 }),
  encoded: binary(0, 400)
})
const recordEntry: fc.Arbitrary<RecordEntry> = fc.record({ expiresAtMs: timeMs, prefix: binary(0, 40) })

/** Bytes with one of them changed, or without their end. */
const damaged = (bytes: fc.Arbitrary<Uint8Array>) =>
  fc.tuple(bytes, fc.nat(), fc.nat(255), fc.boolean()).map(([whole, at, value, cut]) => {
    const index = at % whole.length
    return cut ? whole.slice(0, index) : whole.with(index, value)
  })

describe('entries', () => {
  it('give back what was encoded', () => {
    fc.assert(
      fc.property(peerEntry, recordEntry, (peer, record) => {
        expect(decodePeerEntry(encodePeerEntry(peer))).toEqual(peer)
        expect(decodeRecordEntry(encodeRecordEntry(record))).toEqual(record)
      })
    )
  })

  it('are read when damaged only as something that could have been written', () => {
    fc.assert(
      fc.property(damaged(peerEntry.map(encodePeerEntry)), (bytes) => {
        const entry = decodePeerEntry(bytes)
        if (entry !== undefined) expect(new Uint8Array(encodePeerEntry(entry))).toEqual(new Uint8Array(bytes))
      })
    )
    fc.assert(
      fc.property(damaged(recordEntry.map(encodeRecordEntry)), (bytes) => {
        const entry = decodeRecordEntry(bytes)
        if (entry !== undefined) expect(new Uint8Array(encodeRecordEntry(entry))).toEqual(new Uint8Array(bytes))
      })
    )
  })

  it('of another version are not read', () => {
    const peer = encodePeerEntry({
      connected: true,
      dialFailed: false,
      seenAtMs: 1,
      remote: new Uint8Array(),
      encoded: ''
    })
    const record = encodeRecordEntry({ expiresAtMs: 1, prefix: '' })
    expect(decodePeerEntry(peer.with(0, 2))).toBeUndefined()
    expect(decodePeerEntry(peer.with(1, 4))).toBeUndefined()
    expect(decodeRecordEntry(record.with(0, 2))).toBeUndefined()
  })

  it('have keys that tell peer and provider key apart', () => {
    fc.assert(
      fc.property(binary(1, 255), binary(1, 80), (peer, key) => {
        expect(recordOfEntryKey(recordEntryKey(peer, key)!)).toEqual({ peer, key })
      })
    )
    expect(recordEntryKey('p'.repeat(256), 'k')).toBeUndefined()
    for (const text of ['', 'r', 'r\u0002ab', 'r\u0005ab', 'r\u0000abc']) expect(recordOfEntryKey(text)).toBeUndefined()
  })
})
