import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../clock.ts'

/**
 * For one address of the list. libp2p 3.3.11 gives each IP address 10 s, as the host asks it to: enough for a name with an
 * IPv6 and an IPv4 address, and for its resolution.
 */
export const addressWithinMs = 25_000

/**
 * Dials the addresses of a peer one after the other, as listed, until a connection comes about. Each has a deadline of its own:
 * libp2p's dial of a list has one for all, which hosts that answer nothing use up before it is the others' turn.
 *
 * @throws AggregateError with the reasons of those that were dialled; none is any more once `stopped` is aborted
 */
export async function dialInTurn(
  addresses: readonly Multiaddr[],
  dial: (address: Multiaddr, signal: AbortSignal) => Promise<unknown>,
  clock: Clock,
  stopped: AbortSignal
): Promise<void> {
  const errors: unknown[] = []
  for (const address of addresses) {
    const ended = new AbortController()
    const end = () => ended.abort()
    const cancel = clock.after(addressWithinMs, end)
    // not AbortSignal.any: Node 20 keeps a trace of each such signal as long as the source lives
    stopped.addEventListener('abort', end)
    try {
      await dial(address, ended.signal)
      return
    } catch (cause) {
      // a name that stands for several IP addresses fails with an error for each
      errors.push(...(cause instanceof AggregateError ? cause.errors : [cause]))
      if (stopped.aborted) break
    } finally {
      cancel()
      stopped.removeEventListener('abort', end)
    }
  }
  throw new AggregateError(errors, 'no address could be dialled')
}
