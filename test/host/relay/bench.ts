import type { Startable } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'vitest'
import type { YamuxStream } from '../../../src/connection/yamux/session.ts'
import { FrameReader } from '../../../src/frames.ts'
import { type Relay, type RelayComponents, relay } from '../../../src/host/relay/service.ts'
import { bytesField, readFields, varint } from '../../../src/protobuf.ts'
import { LeanBench, newKey, nodeId, nodeKey, stopAll } from '../../connection/lean/bench.ts'
import { greeting, lines, yamuxClient } from '../../connection/lean/raw-client.ts'
import { RecordingHandler } from '../../connection/yamux/support.ts'

const hop = '/libp2p/circuit/relay/0.2.0/hop'
const stop = '/libp2p/circuit/relay/0.2.0/stop'

/** Status codes (circuit relay v2 specification). */
export const status = {
  ok: 100,
  reservationRefused: 200,
  resourceLimitExceeded: 201,
  connectionFailed: 203,
  noReservation: 204
}

export const stopAgreement = lines(greeting, stop)

const framed = (message: Uint8Array) => Buffer.concat([varint(message.length), message])
const reserveRequest = framed(Uint8Array.of(0x08, 0))
const connectRequest = (id: Uint8Array) =>
  framed(Buffer.concat([Uint8Array.of(0x08, 1), bytesField(2, bytesField(1, id))]))
/** StopMessage { type = STATUS, status }, and whatever is to come behind. */
export const stopAnswer = (code: number, ...more: Uint8Array[]) =>
  framed(Buffer.concat([Uint8Array.of(0x08, 1, 0x20), varint(code), ...more]))

/** A request of a client, and what became of it. */
export class Asked extends RecordingHandler {
  stream!: YamuxStream

  /** What came behind the negotiation. */
  get received(): Buffer {
    return Buffer.concat(this.chunks).subarray(lines(greeting, hop).length)
  }

  /** Of the answer, once it is there. */
  get status(): number | undefined {
    const frames = new FrameReader()
    frames.push(this.received)
    const frame = frames.next()
    let code: number | undefined
    if (typeof frame === 'string') return code
    readFields(frame, (field, value) => {
      if (field === 5 && typeof value === 'number') code = value
    })
    return code
  }
}

/** A peer of the relay. */
export class RelayClient {
  /** Streams on which it was asked whether it takes a circuit. */
  readonly stops: YamuxStream[] = []
  /** What it says when it is asked for the protocol. */
  agreement: Uint8Array = stopAgreement
  /** Called with each of them, once the question is there. */
  onStop: (stream: YamuxStream) => void = () => {}

  constructor(
    readonly id: Uint8Array,
    readonly peer: Awaited<ReturnType<typeof yamuxClient>>
  ) {
    peer.owner.accept = (stream) => {
      const handler = new RecordingHandler()
      stream.handler = handler
      let isAgreed = false
      let isAsked = false
      handler.onDataHook = () => {
        if (!isAgreed && handler.text.includes(stop)) {
          isAgreed = true
          stream.send(this.agreement)
        }
        if (isAsked || handler.byteCount <= stopAgreement.length) return
        isAsked = true
        this.stops.push(stream)
        this.onStop(stream)
      }
    }
  }

  reserve(): Asked {
    return this.#ask(reserveRequest)
  }

  connect(to: Uint8Array): Asked {
    return this.#ask(connectRequest(to))
  }

  /** Everything that it has sent so far has been handled. */
  async handled(): Promise<void> {
    const { session, owner } = this.peer
    const before = owner.pongs
    session.ping()
    await expect.poll(() => owner.pongs, { interval: 2 }).toBe(before + 1)
  }

  #ask(request: Uint8Array): Asked {
    const asked = new Asked()
    asked.stream = this.peer.session.open(asked)
    asked.stream.send(Buffer.concat([lines(greeting, hop), request]))
    return asked
  }
}

/** The relay on lean connections. */
export class RelayBench {
  constructor(
    readonly lean: LeanBench,
    readonly service: Relay
  ) {}

  static async start(): Promise<RelayBench> {
    const lean = await LeanBench.start()
    const limits = { maxReservations: 8, maxReservationsPerIp: 8, maxCircuitsPerPeer: 4 }
    const components = {
      logger: defaultLogger(),
      events: lean.events,
      registrar: lean.registrar,
      connectionGater: {},
      connectionManager: {
        getConnections: (id: typeof nodeId) => lean.opened.filter(({ remotePeer }) => remotePeer.equals(id))
      },
      peerStore: { merge: async () => {} },
      addressManager: { getAddresses: () => [multiaddr('/ip4/198.51.100.1/tcp/1')] },
      peerId: nodeId,
      privateKey: nodeKey
    } as unknown as RelayComponents
    const service = relay(limits, lean.clock, { protect() {}, unprotect() {} })(components)
    await (service as unknown as Startable).start()
    return new RelayBench(lean, service)
  }

  async client(): Promise<RelayClient> {
    const key = await newKey()
    const peer = await yamuxClient(this.lean.port, { key })
    await this.lean.connection(this.lean.opened.length)
    return new RelayClient(peerIdFromPrivateKey(key).toMultihash().bytes, peer)
  }

  /** Nothing may be left of its clients then. */
  async stop(): Promise<void> {
    for (const peer of this.service.reservations.keys()) {
      this.lean.events.safeDispatchEvent('peer:disconnect', { detail: peer })
    }
    await stopAll()
    expect([this.service.circuitCount.circuits, this.service.circuitCount.peers]).toEqual([0, 0])
  }
}
