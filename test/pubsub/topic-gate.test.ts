import type { Connection, Stream, StreamHandler, StreamHandlerOptions, Topology } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { streamPair } from '@libp2p/utils'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ByteProtocol } from '../../src/connection/byte-stream.ts'
import { TopicGate } from '../../src/pubsub/topic-gate.ts'

const protocol = '/meshsub/1.2.0'
const connection = { remotePeer: { toString: () => 'peer' } } as unknown as Connection

let handlers: Map<string, { handler: StreamHandler; options: StreamHandlerOptions | undefined }>
let topologies: Map<string, string>
let gate: TopicGate
let connections: Connection[]
let protocolsOf: () => Promise<string[]>
let byteProtocols: Map<string, ByteProtocol>

const registrar = {
  handle: async (name: string, handler: StreamHandler, options?: StreamHandlerOptions) => {
    if (handlers.has(name) && options?.force !== true) throw new Error('taken')
    handlers.set(name, { handler, options })
  },
  unhandle: async (name: string) => void handlers.delete(name),
  register: async (name: string, _topology: Topology) => {
    topologies.set(`id-${topologies.size}`, name)
    return `id-${topologies.size - 1}`
  },
  unregister: (id: string) => void topologies.delete(id)
} as unknown as Registrar

async function arrive(): Promise<[peer: Stream, ours: Stream]> {
  const [peer, ours] = await streamPair()
  await handlers.get(protocol)!.handler(ours, connection)
  return [peer, ours]
}

beforeEach(() => {
  handlers = new Map()
  topologies = new Map()
  connections = [connection]
  protocolsOf = async () => [protocol]
  byteProtocols = new Map()
  gate = new TopicGate({ registrar, byteProtocols, connections: () => connections, protocolsOf: () => protocolsOf() })
})

describe('while no topic is joined', () => {
  it('gossipsub hears of no peer and gets no stream', async () => {
    await gate.handle(protocol, () => expect.fail('gossipsub got a stream'))
    await gate.register(protocol, { onConnect: () => expect.fail('gossipsub heard of a peer') })
    await arrive()
    expect(topologies.size).toBe(0)
    expect(gate.sunk).toBe(1)
  })

  it('what a peer announces is read and dropped', async () => {
    await gate.handle(protocol, () => {})
    const [peer, ours] = await arrive()
    for (let i = 0; i < 20; i++) peer.send(new Uint8Array(10_000))
    await expect.poll(() => peer.writeBufferLength).toBe(0)
    await expect.poll(() => ours.readBufferLength).toBe(0)
    expect(peer.status).toBe('open')
  })

  it('nothing is left of a stream that closed', async () => {
    await gate.handle(protocol, () => {})
    const [closing] = await arrive()
    const [resetting] = await arrive()
    await closing.close()
    resetting.abort(new Error('gone'))
    await expect.poll(() => gate.sunk).toBe(0)
  })

  it('a peer that announces without end is cut off', async () => {
    await gate.handle(protocol, () => {})
    const [peer] = await arrive()
    for (let i = 0; i < 110; i++) peer.send(new Uint8Array(10_000))
    await expect.poll(() => peer.status).toBe('reset')
    expect(gate.sunk).toBe(0)
  })

  it('lean connections bring their streams to the sink, too', async () => {
    await gate.handle(protocol, () => {})
    expect(byteProtocols.get(protocol)?.maxInboundStreams).toBe(4)
    await gate.open()
    expect(byteProtocols.size).toBe(0)
  })

  it('a peer may hold only a few streams', async () => {
    await gate.handle(protocol, () => {}, { maxInboundStreams: 1000 })
    expect(handlers.get(protocol)?.options?.maxInboundStreams).toBe(4)
  })
})

describe('with the first topic', () => {
  it('gossipsub takes over: it hears of the peers that speak it, gets new streams, and old ones are opened anew', async () => {
    const seen: string[] = []
    await gate.handle(protocol, () => void seen.push('stream'))
    await gate.register(protocol, { onConnect: (peer) => void seen.push(`peer ${peer}`) })
    const [old] = await arrive()
    await gate.open()
    expect(seen).toEqual(['peer peer'])
    await expect.poll(() => old.status).toBe('reset')
    await arrive()
    expect(seen).toEqual(['peer peer', 'stream'])
    expect([...topologies.values()]).toEqual([protocol])
  })

  it('a peer that does not speak it is not introduced', async () => {
    await gate.register(protocol, { onConnect: () => expect.fail('introduced') })
    protocolsOf = async () => ['/ipfs/id/1.0.0']
    await gate.open()
  })

  it('a peer that is not identified yet keeps nobody else from being introduced', async () => {
    const seen: string[] = []
    connections = [connection, connection]
    await gate.register(protocol, { onConnect: () => void seen.push('peer') })
    let asked = 0
    protocolsOf = async () => (++asked === 1 ? [] : [protocol])
    await gate.open()
    expect(seen).toEqual(['peer'])
  })

  it('what is unregistered stays so', async () => {
    await gate.handle(protocol, () => {})
    const id = await gate.register(protocol, {})
    await gate.open()
    gate.unregister(id)
    await gate.unhandle(protocol)
    expect([topologies.size, handlers.size]).toEqual([0, 0])
  })
})
