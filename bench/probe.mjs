// Loaded into the node under test before its own code (node --expose-gc --import …/probe.mjs dist/main.js): it measures
// memory on request over the IPC channel, and changes two of the node's figures where the soak asks for it.
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../dist/clock.js'
import { peerstoreGcIntervalMs } from '../dist/peers/peerstore-gc.js'
import { defaultProviderBookLimits } from '../dist/rendezvous/provider-book.js'

/** A collection runs finalizers, which free more; what is left after some of them stays. */
const COLLECTIONS = 6
const BETWEEN_MS = 100

const { PROBE_MAX_RECORDS: maxRecords, PROBE_COLLECT_MS: collectMs } = process.env
if (maxRecords !== undefined) defaultProviderBookLimits.maxRecords = Number(maxRecords)
if (collectMs !== undefined) {
  const { after } = systemClock
  systemClock.after = (ms, fn) => after(ms === peerstoreGcIntervalMs ? Number(collectMs) : ms, fn)
}

process.on('message', async () => {
  for (let i = 0; i < COLLECTIONS; i++) {
    globalThis.gc()
    await sleep(BETWEEN_MS)
  }
  const { heapUsed, external } = process.memoryUsage()
  process.send?.({ heapUsed, external })
})
process.channel?.unref()
