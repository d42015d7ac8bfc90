import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Config } from '../config/index.ts'
import { FrameReader } from '../frames.ts'
import { tcpMultiaddr } from '../host/addresses.ts'
import { identityFromKey } from '../identity/identity.ts'
import type { RawEd25519Key } from '../identity/key-formats.ts'
import { encodeAnswer, maxAnswerBytes } from '../rendezvous/encode.ts'
import { kadProtocol } from '../rendezvous/service.ts'
import { decodeRequest, MessageType } from '../rendezvous/wire.ts'
import { readIdentityFile } from '../state/identity-file.ts'

/** Docker gives a health check 10 s here; a Go client gives a dial 5. */
const deadlineMs = 8_000

/**
 * Dials a node as a client does (TCP, security, muxer) and asks it a FIND_NODE.
 *
 * @param address a multiaddr; undefined: the node that this configuration starts on this machine
 * @returns what was seen, in a line
 * @throws whatever kept the node from answering within 8 s
 */
export async function check(address: string | undefined, config: Config): Promise<string> {
  const target = multiaddr(address ?? ownAddress(config))
  const signal = AbortSignal.timeout(deadlineMs)
  const client = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [tls(), noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() }
  })
  try {
    const connection = await client.dial(target, { signal })
    const stream = await connection.newStream(kadProtocol, { signal })
    const frames = new FrameReader(maxAnswerBytes * 2)
    const answered = new Promise<Uint8Array>((resolve, reject) => {
      stream.addEventListener('message', ({ data }) => {
        frames.push(data.subarray())
        const frame = frames.next()
        if (typeof frame !== 'string') resolve(frame)
        if (frame === 'invalid') reject(new Error('the answer is no kad message'))
      })
      stream.addEventListener('close', () => reject(new Error('the node closed the stream without an answer')))
      signal.addEventListener('abort', () => reject(new Error(`no answer within ${deadlineMs} ms`)))
    })
    stream.send(encodeAnswer({ type: MessageType.FIND_NODE, clusterLevel: 0, key: client.peerId.toMultihash().bytes }))
    if (decodeRequest(await answered)?.type !== MessageType.FIND_NODE) throw new Error('the answer is of another type')
    return `${connection.remotePeer.toString()} answered FIND_NODE over ${connection.encryption ?? 'no security'}`
  } finally {
    await client.stop()
  }
}

/** A wildcard is dialled over loopback; with a key in the configuration or in DATA_DIR another node on the port does not pass. */
function ownAddress(config: Config): string {
  const [ip = '127.0.0.1'] = config.listenAddresses
  const dialable = ip === '0.0.0.0' ? '127.0.0.1' : ip === '::' ? '::1' : ip
  const address = tcpMultiaddr(dialable, config.port)
  const key = config.privateKey ?? keptKey(config)
  return key === undefined ? address : `${address}/p2p/${identityFromKey(key).peerId}`
}

/** One that cannot be read is the node's to report. */
function keptKey({ dataDir }: Config): RawEd25519Key | undefined {
  try {
    return dataDir === undefined ? undefined : readIdentityFile(dataDir)?.key
  } catch {
    return undefined
  }
}
