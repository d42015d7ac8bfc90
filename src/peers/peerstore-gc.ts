import { setImmediate as nextTurn } from 'node:timers/promises'
import type { PeerId, PeerStore } from '@libp2p/interface'
import { peerIdFromCID } from '@libp2p/peer-id'
import { CID } from 'multiformats/cid'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { keyOf, peerKey } from './peer-key.ts'

/** As in the Go service. */
export const peerstoreGcIntervalMs = 120_000
/** A deletion costs some 140 µs: a batch keeps the event loop waiting for about 10 ms. */
const deletionsPerTurn = 64
/** Looking at a peer decodes its id, some 20 µs. */
const looksPerTurn = 500

export interface PeerstoreGcParts {
  readonly store: { readonly peerCount: number; peers(): Iterable<string> }
  readonly peerStore: Pick<PeerStore, 'delete'>
  readonly connections: { isConnected(key: string): boolean; readonly connectedPeers: number }
  readonly self: PeerId
  readonly logger: Logger
}

/**
 * Removes the peers that are gone from the peer store, addresses and keys with them.
 *
 * A peer has to be away at two cycles in a row: libp2p 3.3.11 tells its services of a disconnect only while the peer is
 * in the store (registrar.ts, _onDisconnect), and a peer may come back.
 */
export class PeerstoreGc {
  readonly #parts: PeerstoreGcParts
  /** CIDs of the peers that were away at the last cycle: at most as many as are in the store. */
  #away = new Set<string>()

  constructor(parts: PeerstoreGcParts) {
    this.#parts = parts
  }

  /** One cycle. Yields to the event loop between batches and ends early when `signal` fires. */
  async collect(signal: AbortSignal): Promise<void> {
    const { store, peerStore, connections, self, logger } = this.#parts
    const stillAway = new Set<string>()
    let looks = 0
    let removed = 0
    for (const cid of store.peers()) {
      if (++looks % looksPerTurn === 0) await nextTurn()
      if (signal.aborted) return
      const id = CID.parse(cid)
      const key = keyOf(id.multihash.bytes)
      if (key === peerKey(self) || connections.isConnected(key)) continue
      if (!this.#away.has(cid)) {
        stillAway.add(cid)
        continue
      }
      await peerStore.delete(peerIdFromCID(id))
      if (++removed % deletionsPerTurn === 0) await nextTurn()
    }
    this.#away = stillAway

    const line = `Peerstore GC: removed ${removed} stale peers, ${store.peerCount} remaining (connected: ${connections.connectedPeers})`
    if (removed > 0) logger.info(line)
    else logger.debug(line)
  }
}

/** Runs a cycle every {@link peerstoreGcIntervalMs}; the next is due that long after the last has ended. */
export function startPeerstoreGc(gc: PeerstoreGc, clock: Clock, logger: Logger, signal: AbortSignal): () => void {
  let cancel = schedule()
  return () => cancel()

  function schedule(): () => void {
    return clock.after(peerstoreGcIntervalMs, () => {
      gc.collect(signal)
        .catch((error: unknown) => logger.warn({ err: error }, 'a peer store cycle failed'))
        .finally(() => {
          if (!signal.aborted) cancel = schedule()
        })
    })
  }
}
