import type { PeerId } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { BootstrapError } from '../errors.ts'
import { withReplaced } from '../seams.ts'

/**
 * A view of the connection manager that dials nobody: streams are opened to who is connected.
 *
 * `@libp2p/kad-dht` 16.4.5 pings who claims to serve kad when its turn comes (routing-table/index.ts), and asks whom answers
 * name (query/query-path.ts). Who has left meanwhile would be dialled wherever it has said that it is: anybody's address,
 * this machine's own among them.
 */
export function connectedOnly(manager: ConnectionManager): ConnectionManager {
  const connectionTo = (to: Parameters<ConnectionManager['openConnection']>[0]) => {
    const open = isPeerId(to) ? manager.getConnections(to).find(({ status }) => status === 'open') : undefined
    if (open === undefined) throw new BootstrapError('ERR_NOT_CONNECTED', { peer: String(to) })
    return open
  }
  const openConnection: ConnectionManager['openConnection'] = async (to) => connectionTo(to)
  const openStream: ConnectionManager['openStream'] = async (to, protocol, options) =>
    connectionTo(to).newStream(protocol, options)
  return withReplaced(manager, { openConnection, openStream })
}

function isPeerId(to: object): to is PeerId {
  return 'toMultihash' in to
}
