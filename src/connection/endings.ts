import { BootstrapError } from '../errors.ts'
import { MultistreamError, type MultistreamProblem } from './negotiation/error.ts'
import { NoiseError, type NoiseFailure } from './noise/error.ts'
import { YamuxError, type YamuxReason } from './yamux/session.ts'

/** What ends a handshake or a connection besides the peer's breaking a protocol. */
export type Ending =
  | 'peer-left'
  | 'tls-declined'
  | 'socket'
  | 'tls'
  | 'certificate'
  | 'deadline'
  | 'silent'
  | 'self'
  | 'closed'
  | 'overload'
  | 'stalled'
  | 'evicted'
  | 'backlog'
  | 'defect'

export type EndingReason = Ending | MultistreamProblem | NoiseFailure | YamuxReason

/** The end of a connection or handshake, for a reason that can label a counter. */
export class ConnectionEnd extends Error {
  override readonly name = 'ConnectionEnd'

  constructor(
    readonly reason: Ending,
    message: string,
    options?: ErrorOptions
  ) {
    super(message, options)
  }
}

/** How often something ended for each reason; the reasons are few. */
export class Endings {
  readonly #counts = new Map<EndingReason, number>()

  count(cause: Error | undefined): void {
    const reason = reasonOf(cause)
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1)
  }

  snapshot(): Readonly<Partial<Record<EndingReason, number>>> {
    return Object.fromEntries(this.#counts)
  }
}

export function reasonOf(cause: Error | undefined): EndingReason {
  if (cause === undefined) return 'peer-left'
  if (cause instanceof ConnectionEnd) return cause.reason
  if (cause instanceof MultistreamError || cause instanceof NoiseError || cause instanceof YamuxError)
    return cause.reason
  if (cause instanceof BootstrapError && cause.code === 'ERR_EVICTED') return 'evicted'
  const { code } = cause as NodeJS.ErrnoException
  if (code === undefined) return 'defect'
  return code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') ? 'tls' : 'socket'
}
