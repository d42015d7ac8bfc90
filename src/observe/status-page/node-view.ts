import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import * as Digest from 'multiformats/hashes/digest'
import type { BootstrapNode } from '../../bootstrap-node.ts'
import { bytesOf } from '../../peers/peer-key.ts'
import type { NodeDetails, ProvidedKey, Share, Shares } from './report.ts'
import { topOf } from './top.ts'

/** A key of the provider book; its text is from `keyOf`. */
export interface KeyCount {
  readonly text: string
  readonly records: number
  /** Of them, those whose peers are connected. */
  readonly connected: number
}

/** What the page wants to know of a node that is in no metric. */
export interface NodeView {
  readonly peerId: string
  /** The one to hand out first. */
  addresses(): readonly string[]
  keys(): Iterable<KeyCount>
  /** Connections by what their peers say they are. */
  agents(): Iterable<Share>
  /** Connections by address prefix. */
  prefixes(): Iterable<Share>
}

export function viewOf(node: BootstrapNode, publicIp: string | undefined): NodeView {
  const { libp2p, agents } = node
  const { rendezvous, connectionManager } = libp2p.services
  return {
    peerId: libp2p.peerId.toString(),
    addresses: () => {
      const first = node.address(publicIp)
      const all = libp2p.getMultiaddrs().map(String)
      return [...new Set(first === undefined ? all : [first, ...all])]
    },
    keys: () => rendezvous.book.keyCounts(),
    agents: () => agents.all(),
    prefixes: () => connectionManager.index.prefixCounts()
  }
}

const rows = 50

/** The details of this moment. All are looked at, a part in each turn of the event loop. */
export async function detailsOf(view: NodeView): Promise<NodeDetails> {
  const keys = await topOf(view.keys(), rows, ({ records }) => records)
  return {
    peerId: view.peerId,
    addresses: view.addresses(),
    keys: keys.top.map(provided),
    agents: await shares(view.agents()),
    prefixes: await shares(view.prefixes())
  }
}

async function shares(all: Iterable<Share>): Promise<Shares> {
  const { top, others } = await topOf(all, rows, ({ connections }) => connections)
  return { top: top.map(({ name, connections }) => ({ name, connections })), others }
}

function provided({ text, records, connected }: KeyCount): ProvidedKey {
  return { name: keyName(bytesOf(text)), connected, away: records - connected }
}

/** As much of a key that is no multihash as is of use; a multihash of 32 bytes has 59 characters. */
const maxHexLength = 64

/** Go's rendezvous points are multihashes and appear in its logs as a CID of raw bytes. */
export function keyName(key: Uint8Array): string {
  try {
    return CID.createV1(raw.code, Digest.decode(key)).toString()
  } catch {
    const hex = Buffer.from(key).toString('hex')
    return hex.length > maxHexLength ? `${hex.slice(0, maxHexLength)}…` : hex
  }
}
