/** The least of the kad wire format that a raw FIND_NODE needs: https://github.com/libp2p/specs/tree/master/kad-dht */

const FIND_NODE = 4
const FIELD_TYPE = 1
const FIELD_KEY = 2
const FIELD_CLOSER_PEERS = 8
const FIELD_PEER_ID = 1
const FIELD_PEER_ADDRESS = 2

export interface ClosePeer {
  readonly id: Uint8Array
  readonly addresses: readonly Uint8Array[]
}

/** With its length prefix. */
export function encodeFindNode(key: Uint8Array): Uint8Array {
  const message = [FIELD_TYPE << 3, FIND_NODE, (FIELD_KEY << 3) | 2, ...varint(key.length), ...key]
  return Uint8Array.from([...varint(message.length), ...message])
}

/** The message of a frame, once all its bytes are there. */
export function takeFrame(received: Uint8Array): Uint8Array | undefined {
  const reader = new Reader(received)
  const length = reader.varint()
  return length === undefined ? undefined : reader.take(length)
}

export function decodeFindNode(message: Uint8Array): ClosePeer[] {
  const closer: ClosePeer[] = []
  let type: number | undefined
  for (const [field, value] of fields(message)) {
    if (field === FIELD_TYPE && typeof value === 'number') {
      type = value
    } else if (field === FIELD_CLOSER_PEERS && typeof value !== 'number') {
      closer.push(decodePeer(value))
    }
  }
  if (type !== FIND_NODE) {
    throw new Error(`the answer to FIND_NODE is a message of type ${type}`)
  }
  return closer
}

function decodePeer(message: Uint8Array): ClosePeer {
  const bytes = [...fields(message)].flatMap(([field, value]) => (typeof value === 'number' ? [] : [{ field, value }]))
  return {
    id: bytes.find(({ field }) => field === FIELD_PEER_ID)?.value ?? new Uint8Array(),
    addresses: bytes.filter(({ field }) => field === FIELD_PEER_ADDRESS).map(({ value }) => value)
  }
}

/** Varint fields as numbers, length-delimited ones as bytes; the kad messages have no others. */
function* fields(message: Uint8Array): Generator<[field: number, value: number | Uint8Array]> {
  const reader = new Reader(message)
  while (!reader.atEnd) {
    const tag = reader.varint() ?? 0
    const number = reader.varint()
    const value = (tag & 7) === 2 && number !== undefined ? reader.take(number) : number
    if (value === undefined || ((tag & 7) !== 0 && (tag & 7) !== 2)) {
      throw new Error(`a damaged message: ${Buffer.from(message).toString('hex')}`)
    }
    yield [tag >> 3, value]
  }
}

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  varint(): number | undefined {
    let value = 0
    for (let scale = 1; this.#at < this.#bytes.length; scale *= 128) {
      const byte = this.#bytes[this.#at++] ?? 0
      value += (byte & 127) * scale
      if (byte < 128) {
        return value
      }
    }
    return undefined
  }

  take(length: number): Uint8Array | undefined {
    const end = this.#at + length
    if (end > this.#bytes.length) {
      return undefined
    }
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))]
}
