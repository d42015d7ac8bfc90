import { multiaddr } from '@multiformats/multiaddr'
import type { Config } from '../../config/index.ts'
import { createClient, findSelf, KadClient } from './client.ts'
import { ownTarget } from './target.ts'

/** A Go client gives a dial 5 s. */
const deadlineMs = 8_000

/**
 * Whether the node of this configuration answers a client's FIND_NODE over its real port; leaves nothing behind in it.
 *
 * @returns what was seen, in a line
 * @throws whatever kept the node from answering within 8 s
 */
export async function probe(config: Config): Promise<string> {
  const signal = AbortSignal.timeout(deadlineMs)
  const client = await createClient()
  try {
    const connection = await client.dial(multiaddr(ownTarget(config).address), { signal })
    await findSelf(await KadClient.open(connection, signal), client)
    return `${connection.remotePeer.toString()} answered FIND_NODE over ${connection.encryption ?? 'no security'}`
  } finally {
    await client.stop()
  }
}
