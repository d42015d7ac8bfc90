import type { Connection } from '@libp2p/interface'
import { protocolName } from '../observe/protocol-name.ts'

type Described = Pick<Connection, 'direction' | 'encryption' | 'multiplexer'>

/** Connections that are alike: how many are open, and how many have ever been. */
export interface Kind {
  readonly direction: Connection['direction']
  /** `noise`, `tls`; `none` where there is none. */
  readonly security: string
  readonly muxer: string
  readonly open: number
  readonly opened: number
}

type Counted = { -readonly [field in keyof Kind]: Kind[field] }

/** How many connections there are of each kind, counted as they come and go. Kinds are as few as what this node speaks. */
export class ConnectionKinds {
  readonly #kinds = new Map<string, Counted>()

  get all(): Iterable<Kind> {
    return this.#kinds.values()
  }

  opened(connection: Described): void {
    const kind = this.#of(connection)
    kind.open++
    kind.opened++
  }

  /** To be called once for each that was opened. */
  closed(connection: Described): void {
    this.#of(connection).open--
  }

  #of({ direction, encryption, multiplexer }: Described): Counted {
    const name = `${direction} ${encryption} ${multiplexer}`
    let kind = this.#kinds.get(name)
    if (kind === undefined) {
      kind = { direction, security: protocolName(encryption), muxer: protocolName(multiplexer), open: 0, opened: 0 }
      this.#kinds.set(name, kind)
    }
    return kind
  }
}
