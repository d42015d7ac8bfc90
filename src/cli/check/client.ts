import { generateKeyPair } from '@libp2p/crypto/keys'
import { type Identify, identify } from '@libp2p/identify'
import type { Connection, Libp2p, PrivateKey, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { sodiumCrypto } from '../../connection/noise-crypto.ts'
import { FrameReader } from '../../frames.ts'
import { type Answer, encodeAnswer, maxAnswerBytes } from '../../rendezvous/encode.ts'
import { kadProtocol } from '../../rendezvous/service.ts'
import { decodeRequest, MessageType, type Request } from '../../rendezvous/wire.ts'

export type Client = Libp2p<{ identify: Identify }>

/** A client like those of the network: TLS before Noise, as in Go. It asks who the node is when it is told to. */
export async function createClient(privateKey?: PrivateKey): Promise<Client> {
  return createLibp2p({
    privateKey: privateKey ?? (await generateKeyPair('Ed25519')),
    transports: [tcp()],
    connectionEncrypters: [tls(), noise({ crypto: sodiumCrypto })],
    streamMuxers: [yamux()],
    services: { identify: identify({ runOnConnectionOpen: false }) }
  })
}

/** Asks over one kad stream, as Go clients do: one question after the other. */
export class KadClient {
  readonly #stream: Stream
  readonly #signal: AbortSignal
  readonly #frames = new FrameReader(maxAnswerBytes * 2)
  #settle: { resolve: (answer: Request) => void; reject: (error: unknown) => void } | undefined
  #ended: Error | undefined

  private constructor(stream: Stream, signal: AbortSignal) {
    this.#stream = stream
    this.#signal = signal
    stream.addEventListener('message', ({ data }) => this.#onData(data.subarray()))
    stream.addEventListener('close', () => this.#end(new Error('the node closed the stream without an answer')))
    signal.addEventListener('abort', () => this.#end(signal.reason))
  }

  /** @throws what keeps the stream from being opened */
  static async open(connection: Connection, signal: AbortSignal): Promise<KadClient> {
    return new KadClient(await connection.newStream(kadProtocol, { signal }), signal)
  }

  /** @throws when the answer is of another type, or does not come */
  async ask(question: Answer): Promise<Request> {
    if (this.#ended !== undefined) throw this.#ended
    this.#signal.throwIfAborted()
    const answered = new Promise<Request>((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    this.tell(question)
    const answer = await answered
    if (answer.type !== question.type) throw new Error(`the answer is of another type (${answer.type})`)
    return answer
  }

  /** For messages without an answer. */
  tell(message: Answer): void {
    this.#stream.send(encodeAnswer(message))
  }

  #onData(bytes: Uint8Array): void {
    this.#frames.push(bytes)
    const frame = this.#frames.next()
    if (frame === 'more') {
      this.#frames.own()
      return
    }
    const answer = frame === 'invalid' ? undefined : decodeRequest(frame)
    if (answer === undefined) this.#end(new Error('the answer is no kad message'))
    else this.#settle?.resolve(answer)
  }

  #end(error: Error): void {
    this.#ended ??= error
    this.#settle?.reject(error)
  }
}

/** Where a client begins: who is near to itself? */
export function findSelf(kad: KadClient, client: Client): Promise<Request> {
  return kad.ask({ type: MessageType.FIND_NODE, clusterLevel: 0, key: client.peerId.toMultihash().bytes })
}
