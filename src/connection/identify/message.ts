import { bytesField, readFields, varint } from '../../protobuf.ts'

/**
 * What a peer says of itself (libp2p specification identify/README.md):
 *
 *     Identify { publicKey = 1, listenAddrs = 2, protocols = 3, observedAddr = 4, protocolVersion = 5, agentVersion = 6,
 *                signedPeerRecord = 8 }
 *     Envelope { public_key = 1, payload_type = 2, payload = 3, signature = 5 }
 *     PeerRecord { peer_id = 1, seq = 2, addresses = 3 { multiaddr = 1 } }
 */
export interface IdentifyMessage {
  publicKey?: Uint8Array
  protocolVersion?: string
  agentVersion?: string
  /** How this node looks from the peer. */
  observedAddr?: Uint8Array
  signedPeerRecord?: Uint8Array
  readonly listenAddrs: Uint8Array[]
  readonly protocols: string[]
}

/** Per message; a peer that lists more is heard up to here. A Go peer lists some 20 protocols and a handful of addresses. */
const maxProtocols = 256
const maxAddresses = 64
/** As in contacts. The library reads a peer id in quadratic time: one of 8 KiB takes 0.2 s. */
const maxAddressBytes = 256

/** @returns undefined for what is no such message. Byte arrays are views of `bytes` */
export function decodeIdentify(bytes: Uint8Array, into = emptyIdentify()): IdentifyMessage | undefined {
  const whole = readFields(bytes, (field, value) => {
    if (typeof value === 'number') return
    if (field === 1) into.publicKey = value
    else if (field === 2) pushAddress(into.listenAddrs, value)
    else if (field === 3) push(into.protocols, text(value), maxProtocols)
    else if (field === 4) into.observedAddr = value
    else if (field === 5) into.protocolVersion = text(value)
    else if (field === 6) into.agentVersion = text(value)
    else if (field === 8) into.signedPeerRecord = value
  })
  return whole ? into : undefined
}

export function emptyIdentify(): IdentifyMessage {
  return { listenAddrs: [], protocols: [] }
}

/** The message without the observed address, which is another for each peer: see {@link framed}. */
export function encodeIdentify(message: Omit<IdentifyMessage, 'observedAddr'>): Uint8Array {
  const { publicKey, listenAddrs, protocols, protocolVersion, agentVersion, signedPeerRecord } = message
  const field = (number: number, value: Uint8Array | string | undefined) =>
    value === undefined ? [] : [bytesField(number, typeof value === 'string' ? Buffer.from(value) : value)]
  return Buffer.concat([
    ...field(1, publicKey),
    ...listenAddrs.flatMap((addr) => field(2, addr)),
    ...protocols.flatMap((protocol) => field(3, protocol)),
    ...field(5, protocolVersion),
    ...field(6, agentVersion),
    ...field(8, signedPeerRecord)
  ])
}

/**
 * An encoded message as it goes over a stream, with its length in front.
 *
 * @param observedAddr how the peer looks from here
 */
export function framed(encoded: Uint8Array, observedAddr?: Uint8Array): Uint8Array {
  const last = observedAddr === undefined ? new Uint8Array() : bytesField(4, observedAddr)
  return Buffer.concat([varint(encoded.length + last.length), encoded, last])
}

/**
 * The addresses in a signed peer record of the peer `id`. The signature is not verified: what the peer itself says over its
 * own connection needs no proof, and this node does not pass the record on.
 *
 * @param id multihash of the peer who sent it
 * @returns undefined when it is no peer record, or somebody else's
 */
export function addressesOfPeerRecord(envelope: Uint8Array, id: Uint8Array): Uint8Array[] | undefined {
  let payload: Uint8Array | undefined
  const isEnvelope = readFields(envelope, (field, value) => {
    if (field === 3 && typeof value !== 'number') payload = value
  })
  if (!isEnvelope || payload === undefined) return undefined

  let subject: Uint8Array | undefined
  const addresses: Uint8Array[] = []
  const isRecord = readFields(payload, (field, value) => {
    if (typeof value === 'number') return
    if (field === 1) subject = value
    else if (field === 3) {
      readFields(value, (inner, address) => {
        if (inner === 1 && typeof address !== 'number') pushAddress(addresses, address)
      })
    }
  })
  if (!isRecord || subject === undefined || Buffer.compare(subject, id) !== 0) return undefined
  return addresses
}

/** One that is too long is left out, like those beyond the limit. */
function pushAddress(list: Uint8Array[], address: Uint8Array): void {
  if (address.length <= maxAddressBytes) push(list, address, maxAddresses)
}

function push<T>(list: T[], item: T, limit: number): void {
  if (list.length < limit) list.push(item)
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
}
