import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'

export interface FakeConnection extends Connection {
  aborted: Error | undefined
}

/** A connection of the peer `name` from `ip`, as admission sees it. */
export function fakeConnection(name: string, ip = '198.51.100.1', changes: Partial<Connection> = {}): FakeConnection {
  const connection = {
    remotePeer: { toMultihash: () => ({ bytes: new Uint8Array(Buffer.from(name)) }), toString: () => name },
    remoteAddr: multiaddr(ip.includes(':') ? `/ip6/${ip}/tcp/1` : `/ip4/${ip}/tcp/1`),
    direction: 'inbound',
    status: 'open',
    streams: [],
    aborted: undefined as Error | undefined,
    abort(error: Error) {
      connection.aborted = error
    },
    ...changes
  }
  return connection as unknown as FakeConnection
}
