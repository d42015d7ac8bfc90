import type { ComponentLogger, Libp2p } from '@libp2p/interface'
import { pino } from 'pino'
import { type Clock, systemClock } from './clock.ts'
import type { Config } from './config/index.ts'
import type { Ports } from './connection/lean/ports.ts'
import { startFederation } from './federation/federation.ts'
import { addressToHandOut } from './host/addresses.ts'
import { createHost, type Host, type HostServices, startHost } from './host/host.ts'
import { Recovery } from './host/recovery.ts'
import type { Identity } from './identity/identity.ts'
import { OpenSteps } from './lifecycle.ts'
import { listOf } from './observe/address-text.ts'
import { EventLoopWindow } from './observe/event-loop-window.ts'
import { LibraryLog } from './observe/libp2p-logger.ts'
import type { Logger } from './observe/logger.ts'
import { logPeerConnections } from './observe/peer-log.ts'
import { startPressureGuard } from './observe/pressure.ts'
import { type Readings, readingsOf } from './observe/readings.ts'
import { memoryStatus, type Status, startStatusLine } from './observe/status.ts'
import { AgentCounts } from './observe/status-page/agents.ts'
import type { Timings } from './observe/timings.ts'
import { PeerstoreGc, startPeerstoreGc } from './peers/peerstore-gc.ts'
import { meshParameters, parameterHash } from './pubsub/parameters.ts'
import { nodeIdentity } from './state/node-identity.ts'
import { openState, type State } from './state/state.ts'

export interface NodeParts {
  /** Default: silent. */
  readonly logger?: Logger
  /** Where the libraries log. Default: `logger`, at `config.log.libp2pLevel`. */
  readonly libp2pLogger?: ComponentLogger
  /** Default: the system's. */
  readonly clock?: Clock
  /** Fires to give up a start that is under way. Default: never. */
  readonly signal?: AbortSignal
  /** What outlives the process, closed with the node. Default: what `config.dataDir` holds. */
  readonly state?: State
  /** Ports that are open already, or sockets that were passed to this process. Default: none. */
  readonly ports?: Ports
  /** Told how long handshakes and requests take. Default: nobody asks. */
  readonly timings?: Timings
  /** How the host is made; tests make hosts that fail. */
  readonly createHost?: typeof createHost
}

/**
 * How long each step may take to close; the sum is below the 10 s that Docker and systemd are patient by default. A
 * timer of the deadline is what ends a hung close, and does not keep the process alive: see commands.ts.
 */
const closeWithinMs = {
  recovery: 800,
  federation: 300,
  port: 1_000,
  background: 300,
  listeners: 300,
  dht: 2_000,
  gossipsub: 2_000,
  host: 2_300,
  state: 900
} as const

/** The bootstrap node: built in order by {@link create}, running until {@link close}. */
export class BootstrapNode {
  /** What the connected peers say they are. */
  readonly agents: AgentCounts
  readonly #steps: OpenSteps
  readonly #abort: AbortController
  readonly #host: Host
  readonly #state: State | undefined
  readonly #eventLoop: EventLoopWindow
  /** Handles of the process while nobody is connected. */
  #ownHandles = 0

  private constructor(
    steps: OpenSteps,
    abort: AbortController,
    host: Host,
    state: State | undefined,
    agents: AgentCounts,
    eventLoop: EventLoopWindow
  ) {
    this.agents = agents
    this.#steps = steps
    this.#abort = abort
    this.#host = host
    this.#state = state
    this.#eventLoop = eventLoop
  }

  /**
   * Builds and starts a node. When a step fails, all that was opened before it is closed again. The log's outputs and the
   * profiling server are the process's, not the node's: of `config.log` the file, the level and the format, and `config.profiles` are read
   * by commands.ts alone.
   *
   * @throws BootstrapError ERR_PORT_TAKEN, ERR_LISTEN, ERR_PASSED_SOCKET, ERR_PASSED_TO_STOCK, ERR_START_ABORTED,
   *   ERR_DATA_DIR_IN_USE, ERR_IDENTITY_UNUSABLE, ERR_IDENTITY_NOT_SAVED; errors of libp2p as they are
   */
  static async create(config: Config, parts: NodeParts = {}): Promise<BootstrapNode> {
    const { logger = pino({ level: 'silent' }), clock = systemClock } = parts
    const abort = new AbortController()
    const signal = parts.signal ?? abort.signal
    const steps = new OpenSteps(clock)
    try {
      const state = await openStateOf(config, steps, signal, { ...parts, logger, clock })
      const identity = await nodeIdentity(config, logger)
      const host = await openHost(steps, config, identity, signal, { logger, clock, ...parts })
      const agents = await openListeners(steps, config, host, signal, logger)
      const recovery = new Recovery(host, state, { clock, logger })
      await recovery.restore(config.connections.highWater, signal)
      const node = new BootstrapNode(steps, abort, host, state, agents, new EventLoopWindow(clock))
      await node.#openBackground(signal, logger, clock)
      // when everything is in place that a connection needs; and closed while there is still somebody to answer
      const listen = () => startHost(host, config, parts.ports)
      await steps.open('port', closeWithinMs.port, signal, listen, () => host.closePorts())
      await openFederation(steps, host, signal, logger, clock)
      // stopped before connections are closed: who is connected now will be dialled back
      const dialBack = () => recovery.dialBack(host.newcomersWaiting, parts.ports?.arePassed === true)
      await steps.open('recovery', closeWithinMs.recovery, signal, dialBack, () => recovery.stop())
      node.#ownHandles = process.getActiveResourcesInfo().length

      const addresses = listOf(host.libp2p.getMultiaddrs())
      logger.info(`Libp2p host created with ID: ${identity.peerId}, listening on: ${addresses}`)
      logger.info(`Gossipsub parameter hash: ${parameterHash(meshParameters)} (bootstrap node)`)
      logger.info(`Bootstrap node started. ID: ${identity.peerId}`)
      logger.info(`Listening on addresses: ${addresses}`)
      if (parts.ports?.arePassed === true) logger.info('The sockets were passed to this process, and outlive it')
      return node
    } catch (cause) {
      abort.abort()
      await steps
        .close()
        .catch((error: unknown) => logger.warn({ err: error }, 'the aborted start left something open'))
      throw cause
    }
  }

  get libp2p(): Libp2p<HostServices> {
    return this.#host.libp2p
  }

  /** What this node is called by others: the multiaddr to hand out, with its peer id. */
  address(publicIp?: string): string | undefined {
    return addressToHandOut(this.libp2p.getMultiaddrs(), publicIp)
  }

  status(): Status {
    const { endings } = this.#host
    return {
      connected: this.libp2p.services.connectionManager.index.connectedPeers,
      // and this node itself, as Go counts
      peerstore: this.libp2p.services.rendezvous.contacts.size + 1,
      dhtRoutingTable: this.libp2p.services.rendezvous.routingTableSize,
      goroutines: this.#ownHandles + this.libp2p.services.connectionManager.total,
      ...memoryStatus(),
      eventLoopDelay: this.#eventLoop.untaken,
      endings: {
        handshakes: endings?.handshakes.snapshot() ?? {},
        connections: endings?.connections.snapshot() ?? {}
      },
      state: this.#state?.health()
    }
  }

  /** What the rooms count, read when it is asked for. */
  readings(): Readings {
    return readingsOf(this.#host, this.#state, () => this.#eventLoop.read())
  }

  /**
   * Stops in the order of the Go service, the ports before everything: background work is aborted, listeners go, then the
   * DHT, gossipsub and the host; what it leaves is saved last. Idempotent; over within 10 s even if a library's stop hangs.
   *
   * @throws AggregateError with one error for each step that failed
   */
  close(): Promise<void> {
    this.#abort.abort()
    return this.#steps.close()
  }

  #watchEventLoop(): () => void {
    this.#eventLoop.start()
    return () => this.#eventLoop.stop()
  }

  async #openBackground(signal: AbortSignal, logger: Logger, clock: Clock): Promise<void> {
    const { libp2p, peers } = this.#host
    const gc = new PeerstoreGc({
      store: peers,
      peerStore: libp2p.peerStore,
      connections: libp2p.services.connectionManager.index,
      self: libp2p.peerId,
      logger
    })
    const open = () => [
      startPeerstoreGc(gc, clock, logger, this.#abort.signal),
      startStatusLine(
        () => this.status(),
        () => this.#eventLoop.take(),
        clock,
        logger
      ),
      this.#watchEventLoop(),
      startPressureGuard(libp2p.services.connectionManager, clock, logger)
    ]
    await this.#steps.open('background work', closeWithinMs.background, signal, open, (cancels) => {
      for (const cancel of cancels) cancel()
    })
  }
}

/** Opened first and closed last: whatever stops may have something to save. */
async function openStateOf(
  { dataDir }: Config,
  steps: OpenSteps,
  signal: AbortSignal,
  parts: NodeParts & { logger: Logger; clock: Clock }
): Promise<State | undefined> {
  const { state = dataDir === undefined ? undefined : openState(dataDir, parts) } = parts
  if (state === undefined) return undefined
  return steps.open(
    'state',
    closeWithinMs.state,
    signal,
    () => state,
    (opened) => opened.close()
  )
}

/** The host's steps: closed in reverse, so the DHT stops before gossipsub and the host last. */
async function openHost(
  steps: OpenSteps,
  config: Config,
  identity: Identity,
  signal: AbortSignal,
  parts: NodeParts & { logger: Logger; clock: Clock }
): Promise<Host> {
  const { logger, clock } = parts
  const make = parts.createHost ?? createHost
  const host = await steps.open(
    'host',
    closeWithinMs.host,
    signal,
    () =>
      make(config, identity, {
        clock,
        logger,
        libp2pLogger: parts.libp2pLogger ?? new LibraryLog(logger, config.log.libp2pLevel),
        ports: parts.ports,
        timings: parts.timings
      }),
    ({ libp2p }) => libp2p.stop()
  )
  const { pubsub, rendezvous } = host.libp2p.services
  await steps.open('gossipsub', closeWithinMs.gossipsub, signal, () => pubsub, stopService)
  await steps.open('DHT', closeWithinMs.dht, signal, () => rendezvous, stopService)
  return host
}

async function stopService(service: object): Promise<void> {
  if ('stop' in service && typeof service.stop === 'function') await service.stop()
}

async function openListeners(
  steps: OpenSteps,
  config: Config,
  { libp2p }: Host,
  signal: AbortSignal,
  logger: Logger
): Promise<AgentCounts> {
  const level = config.log.peerConnections ? 'info' : 'debug'
  const agents = new AgentCounts()
  const open = () => [logPeerConnections(libp2p, level, logger), agents.watch(libp2p)]
  await steps.open('listeners', closeWithinMs.listeners, signal, open, (cancels) => {
    for (const cancel of cancels) cancel()
  })
  return agents
}

async function openFederation(
  steps: OpenSteps,
  { libp2p, membership }: Host,
  signal: AbortSignal,
  logger: Logger,
  clock: Clock
): Promise<void> {
  const connections = libp2p.services.connectionManager
  const open = () => startFederation(membership, { libp2p, connections, clock, logger })
  await steps.open('federation', closeWithinMs.federation, signal, open, (stop) => stop())
}
