import type { Connection, IdentifyResult, Libp2pEvents, TypedEventTarget } from '@libp2p/interface'
import type { Share } from './report.ts'

/** Versions of real clients are a few dozen. Whoever sends what nobody else does is counted with the others. */
const maxAgents = 1_000
const maxNameLength = 64
const others = 'other agents'

interface Agent {
  readonly name: string
  connections: number
}

/**
 * What the connected peers say they are, counted as they come and go. A connection costs an entry here once its peer is
 * identified, until it closes.
 */
export class AgentCounts {
  readonly #byName = new Map<string, Agent>()
  readonly #byConnection = new Map<Connection, Agent>()

  /** Names that are counted on their own. */
  get size(): number {
    return this.#byName.size
  }

  /** Connections whose peers are identified. */
  get connections(): number {
    return this.#byConnection.size
  }

  all(): Iterable<Share> {
    return this.#byName.values()
  }

  /** Counts until the returned function is called. */
  watch(events: TypedEventTarget<Libp2pEvents>): () => void {
    const onIdentify = ({ detail }: CustomEvent<IdentifyResult>) => this.#identified(detail)
    const onClose = ({ detail }: CustomEvent<Connection>) => this.#closed(detail)
    events.addEventListener('peer:identify', onIdentify)
    events.addEventListener('connection:close', onClose)
    return () => {
      events.removeEventListener('peer:identify', onIdentify)
      events.removeEventListener('connection:close', onClose)
      this.#byName.clear()
      this.#byConnection.clear()
    }
  }

  #identified({ connection, agentVersion }: IdentifyResult): void {
    if (connection.status !== 'open') return
    this.#closed(connection)
    const agent = this.#agentOf(nameOf(agentVersion))
    agent.connections++
    this.#byConnection.set(connection, agent)
  }

  #closed(connection: Connection): void {
    const agent = this.#byConnection.get(connection)
    if (agent === undefined) return
    this.#byConnection.delete(connection)
    if (--agent.connections === 0) this.#byName.delete(agent.name)
  }

  #agentOf(name: string): Agent {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const isFull = this.#byName.size >= maxAgents && name !== others
    if (isFull) return this.#agentOf(others)
    const agent = { name, connections: 0 }
    this.#byName.set(name, agent)
    return agent
  }
}

/** A copy: a slice would keep the peer's whole message in memory. */
function nameOf(agentVersion: string | undefined): string {
  if (agentVersion === undefined || agentVersion === '') return 'unnamed'
  return Buffer.from(agentVersion.slice(0, maxNameLength)).toString()
}
