import type { Stream } from '@libp2p/interface'
import type { Clock } from '../clock.ts'
import { FrameReader } from './frames.ts'
import type { Outcome } from './requests.ts'
import { decodeRequest, encodeAnswer, type Request } from './wire.ts'

/** Go resets a kad stream after a minute without a message (dht_net.go, dhtStreamIdleTimeout); this node closes it. */
export const streamIdleMs = 60_000
/** How long the other side may take to close its half after this one. */
const lingerMs = 10_000

export interface RpcStreamOptions {
  readonly clock: Clock
  readonly answer: (request: Request) => Outcome | Promise<Outcome>
}

/**
 * Serves one kad stream: requests are answered one after the other, in order. Reading stops while an answer waits for
 * the peer to read, so that who does not read costs no more than one answer.
 */
export function serveRpcStream(stream: Stream, { clock, answer }: RpcStreamOptions): void {
  const frames = new FrameReader()
  let lastMessageMs = clock.now()
  let busy = false
  let ended = false
  let cancelTimer = clock.after(streamIdleMs, whenIdle)

  stream.addEventListener('message', (event) => {
    frames.push(event.data.subarray())
    if (!busy) void drain()
  })
  stream.addEventListener('remoteCloseWrite', () => {
    ended = true
    if (!busy) finish()
  })
  stream.addEventListener('close', () => cancelTimer())

  async function drain(): Promise<void> {
    try {
      await answerAll()
    } catch (cause) {
      // an answer that throws is a defect of ours or a stream that went away; neither concerns other streams
      stream.abort(cause instanceof Error ? cause : new Error(String(cause)))
    }
    if (ended && !busy) finish()
  }

  /** `busy` falls in the very turn in which nothing is left to answer: after an await a message would go unseen. */
  async function answerAll(): Promise<void> {
    busy = true
    try {
      for (;;) {
        const frame = frames.next()
        if (frame === 'more') return
        const request = frame === 'invalid' ? undefined : decodeRequest(frame)
        if (request === undefined) return refuse('not a kad message')
        lastMessageMs = clock.now()

        const pending = answer(request)
        let outcome: Outcome
        if (pending instanceof Promise) {
          pause()
          outcome = await pending
          resume()
        } else {
          outcome = pending
        }
        if (outcome === 'refuse') return refuse(`a request of type ${request.type} that cannot be answered`)
        if (outcome === 'none') continue
        if (stream.writeStatus !== 'writable') return
        if (!stream.send(encodeAnswer(outcome))) {
          pause()
          await stream.onDrain()
          resume()
        }
      }
    } finally {
      busy = false
    }
  }

  // a stream whose other side has ended is neither paused nor resumed: both throw
  function pause(): void {
    if (stream.readStatus === 'readable') stream.pause()
  }

  function resume(): void {
    if (stream.readStatus === 'paused') stream.resume()
  }

  function refuse(reason: string): void {
    stream.abort(new Error(reason))
  }

  function finish(): void {
    stream.close().catch((cause: Error) => stream.abort(cause))
  }

  function whenIdle(): void {
    const idleMs = clock.now() - lastMessageMs
    if (idleMs < streamIdleMs) {
      cancelTimer = clock.after(streamIdleMs - idleMs, whenIdle)
      return
    }
    cancelTimer = clock.after(lingerMs, () => stream.abort(new Error('the peer did not close its side')))
    finish()
  }
}
