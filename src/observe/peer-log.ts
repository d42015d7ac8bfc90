import type { Connection, Libp2pEvents, TypedEventTarget } from '@libp2p/interface'
import { withoutPeerId } from './address-text.ts'
import type { Logger } from './logger.ts'

/** Logs each connection that opens and closes in the words of the Go service, until the returned function is called. */
export function logPeerConnections(
  events: TypedEventTarget<Libp2pEvents>,
  level: 'info' | 'debug',
  logger: Logger
): () => void {
  const say = (what: string) => {
    return ({ detail: connection }: CustomEvent<Connection>) => {
      // its address is made when it is asked for, at 50 µs
      if (!logger.isLevelEnabled(level)) return
      const { remotePeer, remoteAddr } = connection
      logger[level](`Bootstrap Peer ${what}: ${remotePeer.toString()}, Addr: ${withoutPeerId(remoteAddr)}`)
    }
  }
  const onOpen = say('connected')
  const onClose = say('disconnected')
  events.addEventListener('connection:open', onOpen)
  events.addEventListener('connection:close', onClose)
  return () => {
    events.removeEventListener('connection:open', onOpen)
    events.removeEventListener('connection:close', onClose)
  }
}
