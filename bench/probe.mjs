// Loaded into the node under test before its own code (node --expose-gc --import …/probe.mjs dist/main.js): it measures
// memory on request over the IPC channel, and shortens the collector's interval where the soak asks for it.
import { setTimeout as sleep } from 'node:timers/promises'
import { peerstoreGcIntervalMs } from '../dist/peers/peerstore-gc.js'

/** A collection runs finalizers, which free more, and a buffer may be on its way: the least of some readings is what stays. */
const COLLECTIONS = 10
const BETWEEN_MS = 100

const { PROBE_COLLECT_MS: collectMs } = process.env
if (collectMs !== undefined) {
  const { setTimeout } = globalThis
  globalThis.setTimeout = (fn, ms, ...rest) =>
    setTimeout(fn, ms === peerstoreGcIntervalMs ? Number(collectMs) : ms, ...rest)
}

process.on('message', async () => {
  let least = { heapUsed: Number.POSITIVE_INFINITY, external: 0 }
  for (let i = 0; i < COLLECTIONS; i++) {
    globalThis.gc()
    const { heapUsed, external } = process.memoryUsage()
    if (heapUsed + external < least.heapUsed + least.external) least = { heapUsed, external }
    await sleep(BETWEEN_MS)
  }
  process.send?.(least)
})
process.channel?.unref()
