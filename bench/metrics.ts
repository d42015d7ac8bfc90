// What the metrics cost: `npx tsx bench/metrics.ts`. The figures of docs/metrics.md are its output.
import '../src/polyfill.ts'
import { ConnectionKinds } from '../src/admission/connection-kinds.ts'
import { systemClock } from '../src/clock.ts'
import { Metrics } from '../src/observe/metrics/metrics.ts'
import { MessageType } from '../src/rendezvous/wire.ts'

const rounds = 7
const times = 300_000

/** Nanoseconds each, the median of several rounds, of which the first is to warm up. */
function nanoseconds(work: (i: number) => void): number {
  const found: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const startedAtMs = performance.now()
    for (let i = 0; i < times; i++) work(i)
    if (round > 0) found.push(((performance.now() - startedAtMs) * 1e6) / times)
  }
  return Math.round(found.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0)
}

const rssBefore = process.memoryUsage().rss
const metrics = new Metrics({
  version: 'bench',
  stack: 'lean',
  linesLeftOut: () => ({ flood: 0, stdout: 0, file: 0 }),
  rpcTypes: MessageType
})
const { timings } = metrics
const kinds = new ConnectionKinds()
const connection = { direction: 'inbound', encryption: '/tls/1.0.0', multiplexer: '/yamux/1.0.0' } as const

const rpc = nanoseconds((i) => {
  const startedAtMs = systemClock.now()
  timings.rpc(i & 1 ? MessageType.FIND_NODE : MessageType.GET_PROVIDERS, 'ok', systemClock.now() - startedAtMs + 0.1)
})
const handshake = nanoseconds(() => {
  const startedAtMs = systemClock.now()
  timings.handshake('/tls/1.0.0', systemClock.now() - startedAtMs + 5)
})
const kind = nanoseconds(() => {
  kinds.opened(connection)
  kinds.closed(connection)
})
console.log(`an RPC ${rpc} ns; a connection ${handshake} ns for its handshake and ${kind} ns to count it in and out`)

const scrapes: number[] = []
let bytes = 0
for (let i = 0; i < 50; i++) {
  const startedAt = process.cpuUsage()
  bytes = (await metrics.registry.metrics()).length
  const { user, system } = process.cpuUsage(startedAt)
  scrapes.push((user + system) / 1_000)
}
const scrape = scrapes.sort((a, b) => a - b)[25] ?? 0
console.log(`a scrape without a node ${scrape.toFixed(1)} ms of CPU, ${bytes} bytes`)
console.log(`RSS ${((process.memoryUsage().rss - rssBefore) / 1e6).toFixed(1)} MB more, by now`)
metrics.stop()
