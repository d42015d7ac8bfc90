import { peerIdFromString } from '@libp2p/peer-id'
import { expect } from 'vitest'
import { BootstrapNode } from '../../../src/bootstrap-node.ts'
import { peerstoreGcIntervalMs } from '../../../src/peers/peerstore-gc.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { testConfig } from '../../support/config.ts'
import { startTarget, type Target, targetKind } from './target.ts'

/** Less than half of what a peer has to answer a ping of the muxer (host/liveness.ts). */
const STEP_MS = 5_000
const REAL_MS = 15_000

/** A node whose time a test moves, for real peers. */
export interface AgeingTarget extends Pick<Target, 'addr' | 'stop'> {
  /** Waits until the node has seen that one of two peers left and its peer store collector has removed it. */
  collected(peerId: string): Promise<void>
  /** Lets time pass for the node; absent where the node has only the real one. */
  pass?(ms: number): Promise<void>
}

/** ours: in this process, on a clock of the test's; baseline: its collector runs all the time. */
export function startAgeingTarget(): Promise<AgeingTarget> {
  return targetKind === 'ours' ? startOurs() : startBaseline()
}

async function startBaseline(): Promise<AgeingTarget> {
  const { addr, daemon, stop } = await startTarget({ PEERSTORE_GC_INTERVAL: '200ms' })
  return {
    addr,
    stop,
    collected: async () => {
      // itself and the one who is left
      await daemon?.line(/^Peerstore GC: .* 2 remaining \(connected: 1\)/, REAL_MS)
    }
  }
}

async function startOurs(): Promise<AgeingTarget> {
  const clock = new SimulatedClock()
  const node = await BootstrapNode.create(testConfig(), { clock })
  const { libp2p } = node

  /** In steps, between which everybody who is connected answers, as they would in the real time. */
  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) {
      clock.advance(Math.min(left, STEP_MS))
      await Promise.all(libp2p.getPeers().map((peer) => libp2p.services.ping.ping(peer).catch(() => {})))
    }
  }

  return {
    addr: node.address() ?? '',
    pass,
    collected: async (id) => {
      const peer = peerIdFromString(id)
      await expect.poll(() => libp2p.getConnections(peer).length, { timeout: REAL_MS }).toBe(0)
      // who left since the last cycle is spared once
      await pass(2 * peerstoreGcIntervalMs)
      await expect.poll(() => libp2p.peerStore.has(peer), { timeout: REAL_MS }).toBe(false)
    },
    stop: async () => {
      await node.close()
      return 0
    }
  }
}
