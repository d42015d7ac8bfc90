import { type Identify, identify, identifyPush } from '@libp2p/identify'
import type { Connection, PrivateKey, Transport } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { tcp } from '@libp2p/tcp'
import type { Clock } from '../clock.ts'
import type { ByteProtocol } from '../connection/byte-stream.ts'
import { Endings } from '../connection/endings.ts'
import { pushProtocol } from '../connection/identify/pusher.ts'
import { type IdentifyComponents, identifyProtocol, LeanIdentify } from '../connection/identify/service.ts'
import { CurrentCredentials } from '../connection/lean/credentials.ts'
import type { Admission, LeanListener } from '../connection/lean/listener.ts'
import type { Ports } from '../connection/lean/ports.ts'
import { type LeanComponents, leanTcp } from '../connection/lean/transport.ts'
import { pingEcho, pingProtocol } from '../connection/ping.ts'
import type { Timings } from '../observe/timings.ts'
import type { Liveness } from './liveness.ts'

export type LeanIdentifyComponents = IdentifyComponents & { identify: Identify; connectionManager: ConnectionManager }

/** What carries inbound connections, and what depends on it. */
export interface ConnectionStack {
  readonly transport: (components: LeanComponents) => Transport
  /** Protocols that lean connections serve on streams of little cost; nobody looks on the stock stack. */
  readonly byteProtocols: Map<string, ByteProtocol>
  readonly services: {
    readonly identify: ReturnType<typeof identify>
    readonly identifyPush: ReturnType<typeof identifyPush>
    readonly leanIdentify?: (components: LeanIdentifyComponents) => LeanIdentify
  }
  /** Has a peer introduced to the registrar's topologies once more. */
  readonly identifyAgain: (connection: Connection) => void
  /** Closes the ports and the inbound connections, before anything that serves them is stopped. */
  readonly closePorts: () => Promise<void>
  /** Accepted sockets whose handshake waits for its turn; 0 on the stock stack. */
  readonly newcomersWaiting: () => number
  /** Why handshakes have failed, and connections ended; not known on the stock stack. */
  readonly endings: { readonly handshakes: Endings; readonly connections: Endings } | undefined
}

export interface StackParts {
  readonly clock: Clock
  readonly liveness: Liveness
  readonly admission: () => Admission
  readonly ports: Ports
  readonly timings: Timings | undefined
}

/** Everything by the libraries. */
export function stockStack(): ConnectionStack {
  return {
    transport: tcp(),
    byteProtocols: new Map(),
    services: { identify: identify(), identifyPush: identifyPush() },
    // whoever is identified is in the peer store already
    identifyAgain: () => {},
    // the libraries do so with the host
    closePorts: async () => {},
    newcomersWaiting: () => 0,
    endings: undefined
  }
}

/** Inbound connections of our own; the libraries dial, and their services serve the connections that were dialled. */
export async function leanStack(privateKey: PrivateKey, parts: StackParts): Promise<ConnectionStack> {
  const { clock, liveness, admission, ports, timings } = parts
  const byteProtocols = new Map<string, ByteProtocol>([[pingProtocol, pingEcho]])
  const endings = { handshakes: new Endings(), connections: new Endings() }
  const credentials = await CurrentCredentials.create(privateKey, clock)
  let lean: LeanIdentify | undefined
  const listeners: LeanListener[] = []
  return {
    transport: leanTcp({
      clock,
      ports,
      onListener: (listener) => void listeners.push(listener),
      credentials: () => credentials.get(),
      admission,
      watch: liveness,
      failures: endings.handshakes,
      endings: endings.connections,
      timings,
      protocols: byteProtocols
    }),
    byteProtocols,
    services: {
      identify: identify({ runOnConnectionOpen: false }),
      identifyPush: identifyPush({ runOnSelfUpdate: false }),
      leanIdentify: (components) => {
        lean = new LeanIdentify(components, clock, {
          connections: () => components.connectionManager.getConnections(),
          identifyStock: (connection) => {
            // it has been told to the log of the library
            components.identify.identify(connection).catch(() => {})
          }
        })
        byteProtocols.set(identifyProtocol, lean.answering).set(pushProtocol, lean.receiving)
        return lean
      }
    },
    identifyAgain: (connection) => lean?.identify(connection),
    newcomersWaiting: () => listeners.reduce((sum, listener) => sum + listener.waiting, 0),
    closePorts: async () => void (await Promise.all(listeners.map((listener) => listener.close()))),
    endings
  }
}
