import { networkInterfaces } from 'node:os'
import type { Libp2p } from '@libp2p/interface'
import { type Clock, wallMs, wallShiftMs, watchWallTime } from '../clock.ts'
import type { Logger } from '../observe/logger.ts'
import { CutWatch } from '../rendezvous/remembered/cut-watch.ts'
import { DialBack, type DialBackCounts, dialBackWithinMs } from '../rendezvous/remembered/dial-back.ts'
import type { OwnEndpoints } from '../rendezvous/remembered/dial-choice.ts'
import { endpointOf } from '../rendezvous/remembered/endpoint.ts'
import { Memory } from '../rendezvous/remembered/memory.ts'
import { type FormerPeer, restore } from '../rendezvous/remembered/restore.ts'
import type { State } from '../state/state.ts'
import type { Host, HostServices } from './host.ts'

/** What of it is needed here. */
type StateParts = Pick<State, 'store' | 'changes' | 'whenReplaced'>

/** Clients search once a second; a crowd of hundreds that was cut at once is back after some more. */
const comeByThemselvesMs = 5_000

/**
 * What the process before knew, and who was connected to it: brought back before and after the node listens; and who was
 * connected when the network was cut.
 */
export class Recovery {
  readonly #libp2p: Libp2p<HostServices>
  readonly #liveness: Host['liveness']
  readonly #state: StateParts | undefined
  readonly #parts: { readonly clock: Clock; readonly logger: Logger }
  readonly #memory: Memory | undefined
  #formerPeers: readonly FormerPeer[] = []
  #highWater = 0
  #newcomersWaiting: () => number = () => 0
  #dialBack: DialBack | undefined
  #cutWatch: CutWatch | undefined
  #unwatch = () => {}

  /** @param state undefined: nothing is remembered */
  constructor(
    { libp2p, liveness }: Pick<Host, 'libp2p' | 'liveness'>,
    state: StateParts | undefined,
    parts: { readonly clock: Clock; readonly logger: Logger }
  ) {
    this.#libp2p = libp2p
    this.#liveness = liveness
    this.#state = state
    this.#parts = parts
    const { contacts } = libp2p.services.rendezvous
    this.#memory =
      state &&
      new Memory(
        state.changes,
        contacts,
        () => wallMs(parts.clock),
        () => wallShiftMs(parts.clock)
      )
    state?.whenReplaced(() => this.#memory?.rewriteAll())
  }

  /**
   * Brings the provider records back; from then on what changes is remembered. To be called before the node listens. A store
   * that cannot be read is said, and what it holds stays there.
   *
   * @param highWater no more peers are dialled back than this
   */
  async restore(highWater: number, signal: AbortSignal): Promise<void> {
    this.#highWater = highWater
    if (this.#state === undefined) return
    const { clock, logger } = this.#parts
    const { contacts, book } = this.#libp2p.services.rendezvous
    const rooms = { contacts, book, changes: this.#state.changes }
    const startedMs = clock.now()
    try {
      const { formerPeers, failedBefore, failure, ...counts } = await restore(
        this.#state.store,
        rooms,
        highWater,
        wallMs(clock),
        signal
      )
      this.#formerPeers = formerPeers
      for (const { key, addrs } of failedBefore) this.#memory?.failedDials.add(key, addrs)
      if (counts.misdated > 0) this.#memory?.rewriteAll()
      const tookMs = Math.round(clock.now() - startedMs)
      logger.info(
        { ...counts, tookMs },
        `restored ${counts.records} provider records; ${formerPeers.length} peers were connected`
      )
      if (counts.unreadable > 0) {
        logger.warn(`${counts.unreadable} entries of the state could not be read; they are left as they are`)
      }
      if (failure !== undefined) {
        logger.error(`the state cannot be read: ${failure.message}; what was not read is left as it is`)
      }
    } catch (error) {
      logger.error({ err: error }, `the state cannot be restored; ${book.records} provider records were restored`)
    }
    this.#memory?.start(book)
    this.#unwatch = watchWallTime(clock, (byMs) => this.#clockWasSet(byMs))
  }

  /** What was saved would be read with the new time: lives that go on here would be over there, or never end. */
  #clockWasSet(byMs: number): void {
    const seconds = Math.round(Math.abs(byMs) / 1_000)
    this.#parts.logger.warn(
      `the machine's clock was set ${seconds} s ${byMs > 0 ? 'forward' : 'back'}: records live as long as before, and the state is written anew`
    )
    this.#memory?.rewriteAll()
  }

  /**
   * Begins to dial those who were connected, and to look for cuts of the network; to be called when the node listens.
   *
   * @param newcomersWaiting how many come by themselves and are not served yet
   * @param portWasOpen whether clients could wait in the port meanwhile: most are back before they have to be dialled
   */
  dialBack(newcomersWaiting: () => number, portWasOpen: boolean): void {
    this.#newcomersWaiting = newcomersWaiting
    const afterMs = portWasOpen ? comeByThemselvesMs : 0
    this.#watchCuts(this.#formerPeers.length === 0 ? 0 : afterMs + dialBackWithinMs)
    this.#begin(this.#formerPeers, afterMs)
    this.#formerPeers = []
  }

  #begin(peers: readonly FormerPeer[], afterMs: number): void {
    const { connectionManager } = this.#libp2p.services
    this.#dialBack = new DialBack(peers, {
      ...this.#parts,
      own: ownEndpoints(this.#libp2p),
      isConnected: (peer) => connectionManager.index.isConnected(peer),
      isBusy: () => this.#newcomersWaiting() > 0,
      hasRoom: () => connectionManager.total < this.#highWater,
      dial: (address, signal) => connectionManager.openConnection(address, { signal }),
      onOver: (peer, how) => this.#dialBackOver(peer, how)
    })
    this.#dialBack.start(afterMs)
  }

  /** @param busyForMs the dial-back after the restart is under way so long */
  #watchCuts(busyForMs: number): void {
    const { connectionManager, rendezvous } = this.#libp2p.services
    const { clock, logger } = this.#parts
    const cutWatch = new CutWatch(this.#highWater, clock.now() + busyForMs, {
      clock,
      logger,
      own: () => ownEndpoints(this.#libp2p),
      connectedPeers: () => connectionManager.index.connectedPeers,
      hasRoom: () => connectionManager.total < this.#highWater,
      dial: (address, signal) => connectionManager.openConnection(address, { signal }),
      dialFailed: (peer, encoded) => this.#memory?.failedDials.has(peer, encoded) ?? false,
      onAwaited: (peer) => this.#memory?.peerChanged(peer),
      dialBack: (peers) => this.#begin(peers, 0),
      wallMs: () => wallMs(clock)
    })
    rendezvous.observer = {
      opened: ({ key }) => cutWatch.came(key),
      closing: (contact, { remoteAddr }) => {
        if (this.#liveness.isEnding) cutWatch.silent(contact, remoteAddr)
      }
    }
    if (this.#memory !== undefined) this.#memory.awaited = (peer) => cutWatch.awaited(peer)
    this.#cutWatch = cutWatch
  }

  #dialBackOver({ key, addrs }: FormerPeer, how: keyof DialBackCounts): void {
    if (how === 'failed') this.#memory?.failedDials.add(key, addrs)
    if (how === 'dialled') this.#memory?.failedDials.delete(key)
    this.#cutWatch?.over(key)
    this.#memory?.peerChanged(key)
  }

  /** To be awaited before connections are closed: who is connected now will be dialled back. */
  async stop(): Promise<void> {
    this.#unwatch()
    this.#memory?.stop()
    this.#dialBack?.stop()
    this.#cutWatch?.stop()
    // what waits is read from the contacts when it is written
    await this.#state?.changes.flush()
  }
}

function ownEndpoints(libp2p: Libp2p): OwnEndpoints {
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return {
    ips: new Set(interfaces.map(({ address }) => address)),
    endpoints: libp2p
      .getMultiaddrs()
      .map(({ bytes }) => endpointOf(bytes))
      .filter((endpoint) => endpoint !== undefined)
  }
}
