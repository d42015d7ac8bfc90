import type { ByteStream } from '../../../src/connection/byte-stream.ts'
import {
  addressesOfPeerRecord,
  decodeIdentify,
  encodeIdentify,
  type IdentifyMessage
} from '../../../src/connection/identify/message.ts'
import { IdentifyReader } from '../../../src/connection/identify/reader.ts'
import { mutateFramed, mutateProtobuf, varintOf } from '../mutate/formats.ts'
import { corpus, pieces, promise, promiseEqual, type Target } from '../target.ts'

function checkMessage(input: Uint8Array): void {
  const message = decodeIdentify(input)
  if (message === undefined) return
  promise(message.listenAddrs.length <= 64, `${message.listenAddrs.length} addresses`)
  promise(message.protocols.length <= 256, `${message.protocols.length} protocols`)
  const { observedAddr: _ours, ...rest } = message
  const { observedAddr: _none, ...again } = decodeIdentify(encodeIdentify(message)) ?? {
    listenAddrs: [],
    protocols: []
  }
  promiseEqual(sorted(again), sorted(rest), 'a message that was written')
  if (message.signedPeerRecord === undefined) return
  const addresses = addressesOfPeerRecord(message.signedPeerRecord, Buffer.from('somebody else'))
  promise(addresses === undefined, 'the record of another peer was taken')
}

function sorted(message: Omit<IdentifyMessage, 'observedAddr'>): unknown {
  return Object.entries(message).sort(([one], [other]) => (one < other ? -1 : 1))
}

/** Any bytes as a signed peer record; whose it is, is what it says. */
function checkPeerRecord(input: Uint8Array): void {
  for (const id of [new Uint8Array(), input.subarray(0, 38)]) {
    const addresses = addressesOfPeerRecord(input, id)
    promise((addresses?.length ?? 0) <= 64, `${addresses?.length} addresses`)
  }
}

function read(chunks: Iterable<Uint8Array>): unknown {
  let wasReset = false
  let read: IdentifyMessage | undefined
  const stream = { close() {}, reset: () => (wasReset = true) } as unknown as ByteStream
  const reader = new IdentifyReader(
    stream,
    (message) => {
      read = message
    },
    () => {}
  )
  for (const chunk of chunks) {
    if (wasReset) break
    reader.onData(chunk)
    chunk.fill(0xaa)
  }
  if (!wasReset) reader.onEnd()
  return { wasReset, read: read === undefined ? '' : sorted(read) }
}

function checkStream(input: Uint8Array): void {
  promiseEqual(read(pieces(input)), read([Uint8Array.from(input)]), 'a message in pieces')
}

export function identifyTargets(): Target[] {
  const seeds = corpus('identify')
  const records = seeds.flatMap((seed) => decodeIdentify(seed)?.signedPeerRecord ?? [])
  const framed = seeds.map((seed) => Buffer.concat([varintOf(seed.length), seed]))
  return [
    { name: 'identify message', weight: 8, seeds, mutate: mutateProtobuf, check: checkMessage },
    { name: 'identify stream', weight: 4, seeds: framed, mutate: mutateFramed, check: checkStream },
    { name: 'peer record', weight: 4, seeds: records, mutate: mutateProtobuf, check: checkPeerRecord }
  ]
}
