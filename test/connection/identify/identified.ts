import type { IdentifyResult, PeerId, TypedEventTarget } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { ByteStreamHandler } from '../../../src/connection/byte-stream.ts'
import { pushProtocol } from '../../../src/connection/identify/pusher.ts'
import { type IdentifyComponents, identifyProtocol, LeanIdentify } from '../../../src/connection/identify/service.ts'
import type { LeanBench } from '../lean/bench.ts'
import { nodeId, nodeKey } from '../lean/bench.ts'

/** LeanIdentify on a bench, with a peer store that notes what it is told. */
export class IdentifyBench {
  readonly results: IdentifyResult[] = []
  readonly stored = new Map<string, { protocols?: string[]; addresses?: string[] }>()
  readonly stock: unknown[] = []
  /** Protocols that somebody here wants to know the peers of. */
  wanted: string[] = []
  protocols = ['/a', '/b']
  addresses = ['/ip4/127.0.0.1/tcp/9100']
  /** Called before the peer store is told something. */
  storing: () => void = () => {}
  readonly service: LeanIdentify

  constructor(readonly bench: LeanBench) {
    const key = (peer: PeerId) => peer.toString()
    const components = {
      peerId: nodeId,
      privateKey: nodeKey,
      addressManager: { getAddresses: () => this.addresses.map((text) => multiaddr(`${text}/p2p/${nodeId}`)) },
      nodeInfo: { userAgent: 'bench/1' },
      registrar: {
        getProtocols: () => this.protocols,
        getTopologies: (protocol: string) => (this.wanted.includes(protocol) ? [{}] : [])
      },
      peerStore: {
        has: async (peer: PeerId) => this.stored.has(key(peer)),
        patch: async (peer: PeerId, data: { protocols?: string[]; addresses?: { multiaddr: unknown }[] }) => {
          this.storing()
          const addresses = data.addresses?.map((address) => String(address.multiaddr))
          const { protocols } = data
          this.stored.set(key(peer), { ...(protocols && { protocols }), ...(addresses && { addresses }) })
        }
      },
      events: bench.events as TypedEventTarget<never>
    }
    this.service = new LeanIdentify(components as unknown as IdentifyComponents, bench.clock, {
      connections: () => bench.opened.filter(({ status }) => status === 'open'),
      identifyStock: (connection) => this.stock.push(connection)
    })
    bench.protocols.set(identifyProtocol, this.service.answering).set(pushProtocol, this.service.receiving)
    bench.events.addEventListener('peer:identify', ({ detail }) => this.results.push(detail))
    this.service.start()
  }

  /** This node is not what it was. */
  change(): void {
    this.bench.events.dispatchEvent(new CustomEvent('self:peer:update', { detail: { peer: {} as never } }))
  }
}

export const ignoring: ByteStreamHandler = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} }
