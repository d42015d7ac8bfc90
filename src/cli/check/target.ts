import { lookup } from 'node:dns/promises'
import { CODE_P2P, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Config } from '../../config/index.ts'
import { tcpMultiaddr } from '../../host/addresses.ts'
import { identityFromKey } from '../../identity/identity.ts'
import type { RawEd25519Key } from '../../identity/key-formats.ts'
import { readIdentityFile } from '../../state/identity-file.ts'

/** Where a node is expected, and who. */
export interface Target {
  /** As it was given. */
  readonly address: string
  readonly host: string
  /** What the host is: an address, or a name that has one of family 4, 6 or either (0). */
  readonly family: 'ip' | 0 | 4 | 6
  readonly port: number
  /** Undefined: whoever is there. */
  readonly peerId: string | undefined
}

/** An address that no client can dial. */
export class BadAddressError extends Error {
  override readonly name = 'BadAddressError'
}

const example = 'give one such as /ip4/203.0.113.5/tcp/4001/p2p/12D3Koo…'
const families = { ip4: 'ip', ip6: 'ip', dns: 0, dns4: 4, dns6: 6 } as const

/** @throws BadAddressError for anything but IP or DNS name, TCP port, and perhaps a peer id */
export function readTarget(address: string): Target {
  let parsed: Multiaddr
  try {
    parsed = multiaddr(address)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new BadAddressError(`${JSON.stringify(address)} is no multiaddr (${reason}): ${example}`)
  }
  const [host, tcp, peer, ...rest] = parsed.getComponents()
  const family = families[host?.name as keyof typeof families]
  const isPlain = family !== undefined && tcp?.name === 'tcp' && rest.length === 0
  if (!isPlain || (peer !== undefined && peer.code !== CODE_P2P)) {
    throw new BadAddressError(`${address} is not how clients reach a bootstrap node, which is over TCP: ${example}`)
  }
  return { address, host: host?.value ?? '', family, port: Number(tcp.value), peerId: peer?.value }
}

/**
 * The node that this configuration starts on this machine. A wildcard is dialled over loopback; with a key in the
 * configuration or in DATA_DIR another node on the port does not pass.
 */
export function ownTarget(config: Config): Target {
  const [ip = '127.0.0.1'] = config.listenAddresses
  const dialable = ip === '0.0.0.0' ? '127.0.0.1' : ip === '::' ? '::1' : ip
  const address = tcpMultiaddr(dialable, config.port)
  const key = ownKey(config)
  return readTarget(key === undefined ? address : `${address}/p2p/${identityFromKey(key).peerId}`)
}

/** The key of the node of this configuration. One that cannot be read is the node's to report. */
export function ownKey({ privateKey, dataDir }: Config): RawEd25519Key | undefined {
  try {
    return privateKey ?? (dataDir === undefined ? undefined : readIdentityFile(dataDir)?.key)
  } catch {
    return undefined
  }
}

/**
 * The IP address of a target.
 *
 * @throws the resolver's error, such as ENOTFOUND
 */
export async function resolveTarget({ host, family }: Target): Promise<string> {
  return family === 'ip' ? host : (await lookup(host, { family })).address
}
