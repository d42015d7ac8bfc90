import { Histogram, type Registry } from 'prom-client'
import { protocolName } from '../protocol-name.ts'
import type { RpcResult, Timings } from '../timings.ts'

/** Go clients wait 5 s for a handshake; this node gives up after 10. */
const handshakeBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
/** An answer takes 20 to 300 µs; a value under /ipns/ some milliseconds, as its signature is verified. */
const rpcBuckets = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25]

const securities = ['noise', 'tls']

type ByResult = Readonly<Record<RpcResult, (seconds: number) => void>>

/**
 * The two metrics that cost something each time. All their children are made in advance.
 *
 * @param rpcTypes numbers on the wire by the name of the type
 */
export function timingsInto(registry: Registry, rpcTypes: Readonly<Record<string, number>>): Timings {
  const handshake = new Histogram({
    name: 'bootstrap_handshake_seconds',
    help: 'From the accepted socket to the open connection',
    labelNames: ['security'],
    buckets: handshakeBuckets,
    registers: [registry]
  })
  const rpc = new Histogram({
    name: 'bootstrap_rpc_seconds',
    help: 'From a request that was read to its answer handed to the stream',
    labelNames: ['type', 'result'],
    buckets: rpcBuckets,
    registers: [registry]
  })
  const childrenOf = (type: string): ByResult => {
    const child = (result: RpcResult) => {
      // a series that begins with its first error shows Prometheus no increase
      rpc.zero({ type, result })
      const bound = rpc.labels(type, result)
      return (seconds: number) => bound.observe(seconds)
    }
    return { ok: child('ok'), refused: child('refused'), error: child('error') }
  }
  const handshakes = new Map(
    securities.map((security) => {
      handshake.zero({ security })
      return [security, handshake.labels(security)]
    })
  )
  const byType = new Map(Object.entries(rpcTypes).map(([name, type]) => [type, childrenOf(name)]))
  const other = childrenOf('other')
  const malformed = childrenOf('malformed')

  return {
    handshake(security, ms) {
      handshakes.get(protocolName(security))?.observe(ms / 1_000)
    },
    rpc(type, result, ms) {
      const children = type === undefined ? malformed : (byType.get(type) ?? other)
      children[result](ms / 1_000)
    }
  }
}
