import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { PeerId, ServiceMap } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p'
import { onTestFinished } from 'vitest'

/**
 * What to say when a library has mended what this project works around.
 *
 * @param where file of the workaround
 */
export function mended(name: string, what: string, where: string): string {
  return `${installed(name)} is mended: ${what}. Simplify ${where}, then delete this test.`
}

/** Name and version of an installed package. */
export function installed(name: string): string {
  const require = createRequire(import.meta.url)
  // packages that export no package.json are found by their folder
  const folder = require.resolve.paths(name)?.map((path) => `${path}/${name}`) ?? []
  for (const path of folder) {
    try {
      return `${name} ${(require(`${path}/package.json`) as { version: string }).version}`
    } catch {}
  }
  throw new Error(`${name} is not installed below ${dirname(import.meta.url)}`)
}

/** A libp2p node as the libraries make it, stopped when the test is over. */
export async function stockNode<T extends ServiceMap>(options: Libp2pOptions<T>): Promise<Libp2p<T>> {
  const node = await createLibp2p<T>({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    ...options
  })
  onTestFinished(async () => node.stop())
  return node
}

export const stockServices = { identify: identify(), ping: ping() }

export async function newPeerId(): Promise<PeerId> {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
}
