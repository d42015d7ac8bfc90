import { createHash, createHmac } from 'node:crypto'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { Connection, IdentifyResult, PrivateKey } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../../clock.ts'
import type { Config } from '../../config/index.ts'
import { tcpMultiaddr } from '../../host/addresses.ts'
import { withoutPeerId } from '../../observe/address-text.ts'
import { isPublic } from '../../peers/ip-kind.ts'
import { encodePeer, encodePeers } from '../../rendezvous/encode.ts'
import { kadProtocol } from '../../rendezvous/service.ts'
import { MessageType } from '../../rendezvous/wire.ts'
import { explain, noKad, otherPeer, recordNotFound, TooLate } from './advice.ts'
import { type Client, createClient, findSelf, KadClient } from './client.ts'
import { type CheckReport, type Problem, Stopwatch } from './steps.ts'
import { ownKey, ownTarget, readTarget, resolveTarget, type Target } from './target.ts'

/** As long as go-libp2p waits for a TCP connection (tcp_transport: defaultConnectTimeout). */
const connectWithinMs = 5_000
/** Of all steps: Docker gives a health check 10 s here, the start of the process included. */
const deadlineMs = 8_000

/**
 * Goes the way of a client: TCP, security, muxer, identify, FIND_NODE, and a provider record of its own that must be found
 * again. The record is of a client that nobody else looks for and ends by itself after 48 h at most.
 *
 * @param address a multiaddr; undefined: the node that this configuration starts on this machine
 * @throws BadAddressError
 */
export async function check(address: string | undefined, config: Config, clock: Clock): Promise<CheckReport> {
  const target = address === undefined ? ownTarget(config) : readTarget(address)
  const watch = new Stopwatch(clock)
  const deadlines = new Deadline(clock, watch)
  const notes: string[] = []
  const client = await createClient(address === undefined ? await sameEachTime(config) : undefined)
  let peerId: string | undefined
  let failure: Problem | undefined
  try {
    const ip = await resolve(target, watch, deadlines)
    const connection = await connect(client, ip, target, watch, deadlines)
    peerId = connection.remotePeer.toString()
    const identity = await identify(client, connection, watch, deadlines)
    notes.push(...notesOn(identity, ip, target.port))
    await useDht(client, connection, identity, watch, deadlines)
  } catch (error) {
    const step = watch.current ?? 'TCP'
    // libraries wrap the reason why they were aborted
    failure = explain(step, deadlines.passed ?? error, target)
    watch.end(false, failure.problem)
  } finally {
    deadlines.stop()
    await client.stop()
  }
  const { steps, ms } = watch
  return { ok: failure === undefined, address: target.address, peerId, ms, steps, failure, notes }
}

/** Ends the check, and says which step was under way. */
class Deadline {
  readonly #controller = new AbortController()
  readonly #cancels: readonly (() => void)[]

  constructor(clock: Clock, watch: Stopwatch) {
    const end = (afterMs: number) => this.#controller.abort(new TooLate(afterMs))
    this.#cancels = [
      clock.after(connectWithinMs, () => {
        if (watch.current === 'resolve' || watch.current === 'TCP') end(connectWithinMs)
      }),
      clock.after(deadlineMs, () => end(deadlineMs))
    ]
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get passed(): unknown {
    return this.signal.aborted ? this.signal.reason : undefined
  }

  stop(): void {
    for (const cancel of this.#cancels) cancel()
  }
}

/** A health check every 30 s renews one record, where new identities would leave thousands. */
async function sameEachTime(config: Config): Promise<PrivateKey | undefined> {
  const key = ownKey(config)
  if (key === undefined) return undefined
  return generateKeyPairFromSeed('Ed25519', createHmac('sha256', key).update('check of this node').digest())
}

async function resolve(target: Target, watch: Stopwatch, { signal }: Deadline): Promise<string> {
  if (target.family === 'ip') return target.host
  watch.begin('resolve')
  const late = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
  const ip = await Promise.race([resolveTarget(target), late])
  watch.end(true, `${target.host} is ${ip}`)
  return ip
}

/** Whoever is there is connected to, so that a wrong peer id can be told with the right one. */
async function connect(
  client: Client,
  ip: string,
  target: Target,
  watch: Stopwatch,
  { signal }: Deadline
): Promise<Connection> {
  watch.begin('TCP')
  const onProgress = ({ type }: { readonly type: string }) => {
    if (type === 'upgrader:encrypt-outbound-connection') {
      watch.end(true, `connected to ${ip} port ${target.port}`)
      watch.begin('security')
    } else if (type === 'upgrader:multiplex-outbound-connection') {
      watch.end(true, 'secured')
      watch.begin('muxer')
    }
  }
  const connection = await client.dial(multiaddr(tcpMultiaddr(ip, target.port)), { signal, onProgress })
  const { encryption = 'none', multiplexer = 'none' } = connection
  const found = connection.remotePeer.toString()
  // Go and js-libp2p agree on the muxer within the handshake of TLS and Noise
  const isEarly = watch.current === 'security'
  if (isEarly) {
    watch.end(true, 'secured')
    watch.begin('muxer')
  }
  watch.end(true, isEarly ? `${multiplexer}, agreed on in the handshake` : multiplexer)
  const isPreferred = encryption.startsWith('/tls') ? ', which Go clients prefer' : ''
  watch.amend('security', true, `${encryption}${isPreferred}; it is ${found}`)
  if (target.peerId !== undefined && target.peerId !== found) {
    const wrong = otherPeer(target.peerId, found)
    watch.amend('security', false, wrong.problem)
    throw wrong
  }
  return connection
}

async function identify(
  client: Client,
  connection: Connection,
  watch: Stopwatch,
  { signal }: Deadline
): Promise<IdentifyResult> {
  watch.begin('identify')
  const identity = await client.services.identify.identify(connection, { signal })
  const { agentVersion: agent = 'a node without a name', protocols } = identity
  if (!protocols.includes(kadProtocol)) throw noKad(agent)
  watch.end(true, `${agent}, ${protocols.length} protocols, a DHT server`)
  return identity
}

async function useDht(
  client: Client,
  connection: Connection,
  { observedAddr }: IdentifyResult,
  watch: Stopwatch,
  { signal }: Deadline
): Promise<void> {
  watch.begin('FIND_NODE')
  const kad = await KadClient.open(connection, signal)
  await findSelf(kad, client)
  watch.end(true, 'answered')

  watch.begin('ADD_PROVIDER')
  const self = client.peerId.toMultihash().bytes
  const key = keyFor(self)
  // a record without an address is of no use to anybody, and not taken
  const addr = (observedAddr ?? multiaddr('/ip4/127.0.0.1/tcp/4001')).bytes
  const providerPeers = encodePeers('provider', [{ encoded: encodePeer(self, [addr]), connections: 0 }])
  kad.tell({ type: MessageType.ADD_PROVIDER, clusterLevel: 0, key, providerPeers })
  watch.end(true, 'sent a record of its own')

  watch.begin('GET_PROVIDERS')
  const answer = await kad.ask({ type: MessageType.GET_PROVIDERS, clusterLevel: 0, key })
  if (!answer.providerPeers.some(({ id }) => Buffer.compare(id, self) === 0)) throw recordNotFound()
  watch.end(true, 'found it')
}

/** The multihash (sha2-256) of a text that nobody else has. */
function keyFor(self: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(0x12, 32), createHash('sha256').update('check').update(self).digest()])
}

/** What a client learns from the node beside its answers. */
export function notesOn({ listenAddrs }: Pick<IdentifyResult, 'listenAddrs'>, ip: string, port: number): string[] {
  const announced = listenAddrs.map(withoutPeerId)
  if (!isPublic(ip) || announced.includes(tcpMultiaddr(ip, port))) return []
  return [`the node does not announce ${tcpMultiaddr(ip, port)}: set PUBLIC_IP=${ip}, so that clients can tell others`]
}
