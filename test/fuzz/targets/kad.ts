import { FrameReader } from '../../../src/frames.ts'
import { readFields, readVarint } from '../../../src/protobuf.ts'
import { Contacts } from '../../../src/rendezvous/contacts.ts'
import {
  type AnswerPeer,
  encodeAnswer,
  encodePeer,
  encodePeers,
  encodeRecord,
  maxAnswerBytes
} from '../../../src/rendezvous/encode.ts'
import { ProviderBook } from '../../../src/rendezvous/provider-book.ts'
import { answer, type Rooms } from '../../../src/rendezvous/requests.ts'
import { ValueStore } from '../../../src/rendezvous/value-store.ts'
import {
  decodePeer,
  decodeRecord,
  decodeRequest,
  type MessageType,
  type Request
} from '../../../src/rendezvous/wire.ts'
import { mutateFramed, mutateProtobuf, varintOf } from '../mutate/formats.ts'
import { corpus, pieces, promise, promiseEqual, type Target } from '../target.ts'

const messages = corpus('kad')
const framed = messages.map((message) => Buffer.concat([varintOf(message.length), message]))

/** Byte arrays that a request is read into: none but those that somebody looks at. */
const maxArrays = 2 + 16 * (1 + 64)

function checkMessage(input: Uint8Array): void {
  const before = Buffer.from(input)
  const request = decodeRequest(input)
  decodePeer(input)
  const record = decodeRecord(input)
  promise(before.equals(input), 'a decoder has changed its input')
  if (record !== undefined) {
    promiseEqual(decodeRecord(encodeRecord(record, new Date(0))), record, 'a record that was written')
  }
  if (request === undefined) return
  const arrays = request.providerPeers.reduce((sum, { addrs }) => sum + 1 + addrs.length, 2)
  promise(arrays <= maxArrays, `${input.length} bytes were read into ${arrays} arrays`)
  if (request.type < 128 && Number.isSafeInteger(request.clusterLevel)) {
    promiseEqual(decodeRequest(written(request)), request, 'a request that was written')
  }
}

function written({ type, clusterLevel, key, record, providerPeers }: Request): Uint8Array {
  const peers = providerPeers.map(({ id, addrs }): AnswerPeer => ({ encoded: encodePeer(id, addrs), connections: 0 }))
  const bytes = encodeAnswer({
    type: type as MessageType,
    clusterLevel,
    key,
    ...(record === undefined ? {} : { record }),
    providerPeers: encodePeers('provider', peers)
  })
  const at = { offset: 0 }
  promise(readVarint(bytes, at) === bytes.length - at.offset, 'an answer has another length than its prefix says')
  return bytes.subarray(at.offset)
}

/** Fields as an array, for {@link protobufTarget}. */
function fieldsOf(bytes: Uint8Array): (readonly [number, number | Uint8Array])[] | undefined {
  const fields: (readonly [number, number | Uint8Array])[] = []
  return readFields(bytes, (field, value) => fields.push([field, value])) ? fields : undefined
}

function checkProtobuf(input: Uint8Array): void {
  const fields = fieldsOf(input)
  if (fields === undefined) return
  const exact = fields.every(
    ([field, value]) => Number.isSafeInteger(field * 8) && (typeof value !== 'number' || Number.isSafeInteger(value))
  )
  if (!exact) return
  const again = fields.map(([field, value]) =>
    typeof value === 'number'
      ? Buffer.concat([varintOf(field * 8), varintOf(value)])
      : Buffer.concat([varintOf(field * 8 + 2), varintOf(value.length), value])
  )
  promiseEqual(fieldsOf(Buffer.concat(again)), fields, 'fields that were written')
}

/** All messages that come out; each as it comes, since the next call may spend its memory. */
function framesOf(chunks: Iterable<Uint8Array>, maxBytes: number): string[] {
  const reader = new FrameReader(maxBytes)
  const found: string[] = []
  let pushed = 0
  for (const chunk of chunks) {
    reader.push(chunk)
    pushed += chunk.length
    for (;;) {
      const next = reader.next()
      if (next === 'invalid') return [...found, next]
      if (next === 'more') break
      promise(next.length <= maxBytes, `a message of ${next.length} bytes got through`)
      found.push(Buffer.from(next).toString('hex'))
    }
    reader.own()
    promise(reader.pendingBytes <= Math.min(pushed, maxBytes + 4), `${reader.pendingBytes} bytes wait`)
    chunk.fill(0xaa)
  }
  return found
}

function checkFrames(input: Uint8Array): void {
  for (const maxBytes of [300, 64 * 1024]) {
    promiseEqual(
      framesOf(pieces(input), maxBytes),
      framesOf([Uint8Array.from(input)], maxBytes),
      'messages from pieces'
    )
  }
}

const limits = { maxRecords: 50, maxPerKey: 20, maxPerPeer: 10, maxBytes: 100_000, maxBytesPerSource: 50_000 }
/** Longer than Go's for nobody; the store may hold 1,024. */
const maxValues = 1024

/** The rooms are kept from input to input, as in a node. */
function openRooms(): { rooms: Rooms; checkBounds: () => void } {
  const contacts = new Contacts()
  const book = new ProviderBook(contacts, () => {}, limits)
  const values = new ValueStore()
  let nowMs = 0
  const rooms = {
    contacts,
    book,
    values,
    closerPeers: () => [],
    selfKey: 'self',
    self: () => ({ id: Buffer.from('self'), addrs: [] }),
    nowMs: () => nowMs++
  }
  const checkBounds = () => {
    promise(book.records <= limits.maxRecords, `${book.records} records`)
    promise(book.bytes <= limits.maxBytes, `${book.bytes} bytes of records`)
    promise(contacts.size <= book.records, `${contacts.size} contacts of ${book.records} records`)
    promise(values.size <= maxValues, `${values.size} values`)
  }
  return { rooms, checkBounds }
}

export function kadTargets(): Target[] {
  const { rooms, checkBounds } = openRooms()
  const checkRequest = async (input: Uint8Array) => {
    const request = decodeRequest(input)
    if (request === undefined) return
    // a peer that provides is the one that asks
    const id = request.providerPeers[0]?.id ?? Buffer.from('asker')
    const asker = { id: Uint8Array.from(id), key: Buffer.from(id).toString('latin1'), prefix: 'here' }
    const outcome = await answer(request, asker, rooms)
    checkBounds()
    if (typeof outcome === 'string') return
    const bytes = encodeAnswer(outcome)
    promise(bytes.length <= maxAnswerBytes, `an answer of ${bytes.length} bytes`)
    const at = { offset: 0 }
    promise(readVarint(bytes, at) === bytes.length - at.offset, 'an answer has another length than its prefix says')
    promise(fieldsOf(bytes.subarray(at.offset)) !== undefined, 'an answer cannot be read')
  }
  return [
    { name: 'protobuf', weight: 10, seeds: messages, mutate: mutateProtobuf, check: checkProtobuf },
    { name: 'kad message', weight: 12, seeds: messages, mutate: mutateProtobuf, check: checkMessage },
    { name: 'kad request', weight: 8, seeds: messages, mutate: mutateProtobuf, check: checkRequest },
    { name: 'frames', weight: 10, seeds: framed, mutate: mutateFramed, check: checkFrames }
  ]
}
