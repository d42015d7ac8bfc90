import type { Libp2pEvents, PeerId, TypedEventTarget } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'

type OnDisconnect = (event: CustomEvent<PeerId>) => void

/**
 * Tells the registrar only of those who leave and are in the peer store. libp2p 3.3.11 looks everybody up there (registrar.ts):
 * hardly any client is in it, and each miss is an abort signal with a timer of 5 s, a lock and an error with its stack, some 70 µs and
 * 2 KB that are garbage when they have grown old.
 */
export function tellOnlyOfStored(
  components: { readonly events: TypedEventTarget<Libp2pEvents>; readonly registrar: Registrar },
  has: (peer: PeerId) => boolean
): void {
  const { events, registrar } = components
  const { _onDisconnect: tell } = registrar as Registrar & { _onDisconnect: OnDisconnect }
  events.removeEventListener('peer:disconnect', tell)
  events.addEventListener('peer:disconnect', (event) => {
    if (has(event.detail)) tell(event)
  })
}
