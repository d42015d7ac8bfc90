import { NotFoundError, type PeerId, type PeerStore } from '@libp2p/interface'

const notFound = new NotFoundError('the peer is not in the peer store')

/**
 * Answers at once for who is not in the peer store. libp2p 3.3.11 asks it twice whenever a peer leaves (registrar.ts,
 * reconnect-queue.ts), and behind locks and abort signals each miss costs some 70 µs and an error with its stack: most of
 * what a disconnect costs, since hardly any client is in the store.
 *
 * @param peerStore is changed in place, as the libraries that ask hold it already
 */
export function missFast(peerStore: Pick<PeerStore, 'get'>, has: (peer: PeerId) => boolean): void {
  const get = peerStore.get.bind(peerStore)
  peerStore.get = (peer, options) => (has(peer) ? get(peer, options) : Promise.reject(notFound))
}
