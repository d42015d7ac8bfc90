import type { Connection } from '@libp2p/interface'
import type { Entry } from './entries.ts'

/** The connection to close when a peer has too many: its oldest that is idle, else its oldest; never the one that came. */
export function surplus(newcomer: Entry, maxPerPeer: number): Entry | undefined {
  const { entries } = newcomer.peer
  if (entries.size <= maxPerPeer) return undefined
  const others = [...entries].filter((entry) => entry !== newcomer)
  return others.find(({ connection }) => openStreams(connection) === 0) ?? others[0]
}

/** A lean connection knows the number; its list of streams would be made for the question. */
function openStreams(connection: Connection & { readonly streamCount?: number }): number {
  return connection.streamCount ?? connection.streams.length
}
