import { generateKeyPair } from '@libp2p/crypto/keys'
import {
  type Libp2pEvents,
  type PrivateKey,
  type StreamHandler,
  type StreamHandlerOptions,
  type StreamMiddleware,
  TypedEventEmitter
} from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'vitest'
import type { ByteProtocol } from '../../../src/connection/byte-stream.ts'
import { Endings } from '../../../src/connection/endings.ts'
import type { LeanConnection } from '../../../src/connection/lean/connection.ts'
import { CurrentCredentials } from '../../../src/connection/lean/credentials.ts'
import { LeanListener } from '../../../src/connection/lean/listener.ts'
import { Ports } from '../../../src/connection/lean/ports.ts'
import { StreamRouter } from '../../../src/connection/lean/stream-router.ts'
import { Liveness } from '../../../src/host/liveness.ts'
import { networksOf, type Origin } from '../../../src/peers/address-prefix.ts'
import { SimulatedClock } from '../../support/clock.ts'

export const nodeKey = await generateKeyPair('Ed25519')
export const nodeId = peerIdFromPrivateKey(nodeKey)
export const credentials = (await CurrentCredentials.create(nodeKey, new SimulatedClock())).get()

/** The registrar as far as connections ask it. */
export class FakeRegistrar {
  readonly handlers = new Map<string, { handler: StreamHandler; options: StreamHandlerOptions }>()
  readonly middleware = new Map<string, StreamMiddleware[]>()

  handle(protocol: string, handler: StreamHandler, options: StreamHandlerOptions = {}): void {
    this.handlers.set(protocol, { handler, options })
  }

  getHandler(protocol: string) {
    const record = this.handlers.get(protocol)
    if (record === undefined) throw new Error(`no handler for ${protocol}`)
    return record
  }

  getMiddleware(protocol: string): StreamMiddleware[] {
    return this.middleware.get(protocol) ?? []
  }
}

const running: LeanBench[] = []

/** A listener on 127.0.0.1 with everything that it needs, and what became of its sockets. */
export class LeanBench {
  readonly clock = new SimulatedClock()
  readonly events = new TypedEventEmitter<Libp2pEvents>()
  readonly registrar = new FakeRegistrar()
  readonly protocols = new Map<string, ByteProtocol>()
  readonly failures = new Endings()
  readonly endings = new Endings()
  readonly liveness = new Liveness(this.clock)
  readonly opened: LeanConnection[] = []
  readonly closed: LeanConnection[] = []
  readonly errors: string[] = []
  readonly router: StreamRouter
  readonly listener: LeanListener
  readonly admission = {
    accepts: true,
    accepted: 0,
    finished: 0,
    acceptIncomingConnection: () => {
      if (this.admission.accepts) this.admission.accepted++
      return this.admission.accepts
    },
    afterUpgradeInbound: () => void this.admission.finished++,
    originOf: (ip: string): Origin => ({ ...networksOf(ip), exempt: false }),
    mayWait: (_from: Origin, _handshakes: number): boolean => true,
    mayBegin: (_from: Origin): boolean => true,
    mayUseTls: (_from: Origin): boolean => true,
    afterTls: (_from: Origin): void => {}
  }

  constructor(ports = new Ports()) {
    const { clock, registrar, protocols, events, failures, endings, liveness, admission } = this
    const log = Object.assign(defaultLogger().forComponent('test'), {
      error: (text: string, ...facts: unknown[]) => void this.errors.push([text, ...facts].join(' '))
    })
    this.router = new StreamRouter({ registrar: registrar as unknown as Registrar, protocols, clock, log })
    let connections = 0
    this.listener = new LeanListener({
      admission: () => admission,
      events,
      isSelf: ({ remotePeer }) => remotePeer.equals(nodeId),
      credentials: () => credentials,
      nextConnectionId: () => (connections++).toString(36),
      router: this.router,
      watch: liveness,
      clock,
      ports,
      failures,
      endings
    })
    events.addEventListener('connection:open', ({ detail }) => this.opened.push(detail as LeanConnection))
    events.addEventListener('connection:close', ({ detail }) => this.closed.push(detail as LeanConnection))
  }

  static async start(address = '/ip4/127.0.0.1/tcp/0', ports?: Ports): Promise<LeanBench> {
    const bench = new LeanBench(ports)
    running.push(bench)
    await bench.listener.listen(multiaddr(address))
    return bench
  }

  get address(): string {
    return this.listener.getAddrs()[0]!.toString()
  }

  get port(): number {
    return Number(this.listener.getAddrs()[0]!.getComponents()[1]!.value)
  }

  /** The n-th connection, once it is there. */
  async connection(n = 0): Promise<LeanConnection> {
    await expect.poll(() => this.opened.length, { interval: 2 }).toBeGreaterThan(n)
    return this.opened[n]!
  }

  /** Holds once nothing is left of anybody who came. */
  async expectNothingLeft(): Promise<void> {
    const left = () => ({
      handshaking: this.listener.handshaking,
      open: this.opened.length - this.closed.length,
      admitted: this.admission.accepted - this.admission.finished,
      pending: this.router.pending,
      watched: this.liveness.watched,
      timers: this.clock.pending
    })
    await expect
      .poll(left, { interval: 2 })
      .toEqual({ handshaking: 0, open: 0, admitted: 0, pending: 0, watched: 0, timers: 0 })
  }
}

/** For `afterEach`. */
export async function stopAll(): Promise<void> {
  for (const bench of running.splice(0)) {
    await bench.listener.close()
    await bench.expectNothingLeft()
  }
}

export const newKey = (type: 'Ed25519' | 'secp256k1' | 'RSA' = 'Ed25519'): Promise<PrivateKey> =>
  generateKeyPair(type as 'Ed25519')
