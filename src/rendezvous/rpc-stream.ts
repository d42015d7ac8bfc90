import type { Clock } from '../clock.ts'
import type { ByteStream, ByteStreamHandler } from '../connection/byte-stream.ts'
import { Deadlines } from '../deadlines.ts'
import { FrameReader } from '../frames.ts'
import type { RpcResult, Timings } from '../observe/timings.ts'
import { type Defer, Turns } from '../turns.ts'
import { encodeAnswer } from './encode.ts'
import type { Asker, Outcome } from './requests.ts'
import { type RpcBudget, requestBytes, shareOfTurn } from './rpc-budget.ts'
import { decodeRequest, type Request } from './wire.ts'

/** Go resets a kad stream after a minute without a message (dht_net.go, dhtStreamIdleTimeout); this node closes it. */
export const streamIdleMs = 60_000
/** How long the other side may take to close its half after this one. */
const lingerMs = 10_000
/** How often is looked whether a peer has budget again. */
export const budgetCheckMs = 100

/** Who is served on a stream. */
export interface Client extends Asker {
  /** Shared by all streams of the peer. */
  readonly budget: RpcBudget
}

export type Answerer = (request: Request, client: Client) => Outcome | Promise<Outcome>

export interface RpcServerOptions {
  readonly defer?: Defer | undefined
  /** Default: nobody asks how long requests take. */
  readonly timings?: Timings | undefined
}

/** Serves kad streams. What they wait for is kept here, with one timer for all. */
export class RpcServer {
  readonly clock: Clock
  readonly answer: Answerer
  readonly timings: Timings | undefined
  readonly idle: Deadlines<RpcStream>
  readonly linger: Deadlines<RpcStream>
  readonly spent: Deadlines<RpcStream>
  readonly turns: Turns<RpcStream>

  constructor(clock: Clock, answer: Answerer, { defer, timings }: RpcServerOptions = {}) {
    this.clock = clock
    this.answer = answer
    this.timings = timings
    this.idle = new Deadlines(clock, streamIdleMs, (stream) => stream.whenIdle())
    this.linger = new Deadlines(clock, lingerMs, (stream) => stream.whenLingering())
    this.spent = new Deadlines(clock, budgetCheckMs, (stream) => stream.goOn())
    this.turns = new Turns((stream) => stream.goOn(), { defer })
  }

  open(stream: ByteStream, client: Client): ByteStreamHandler {
    return new RpcStream(stream, client, this)
  }

  /** Drops all deadlines. */
  stop(): void {
    for (const deadlines of [this.idle, this.linger, this.spent]) deadlines.clear()
  }
}

/**
 * What a stream is doing: `reading`; `answering`: an answer takes its time; `behind`: the peer has not read what was sent;
 * `waiting` for its turn or its budget; `over`: nothing that comes counts any more. Only one that reads is read from.
 */
type State = 'reading' | 'answering' | 'behind' | 'waiting' | 'over'

/**
 * One kad stream: requests are answered one after the other, in order. Reading stops while an answer waits for the peer to
 * read, so that who does not read costs no more than one answer, and while the peer has had its share.
 */
class RpcStream implements ByteStreamHandler {
  readonly #stream: ByteStream
  readonly #client: Client
  readonly #server: RpcServer
  readonly #frames = new FrameReader()
  #state: State = 'reading'
  #ended = false
  #heldBytes = 0

  constructor(stream: ByteStream, client: Client, server: RpcServer) {
    this.#stream = stream
    this.#client = client
    this.#server = server
    server.idle.set(this)
  }

  onData(bytes: Uint8Array): void {
    if (this.#state === 'over') return
    this.#frames.push(bytes)
    this.#serve()
    this.#keep()
  }

  onDrain(): void {
    if (this.#state !== 'behind') return
    this.#state = 'reading'
    this.#serveAndResume()
  }

  onEnd(): void {
    this.#ended = true
    if (this.#state === 'reading') this.#finish()
  }

  onClose(): void {
    const { idle, linger, spent } = this.#server
    this.#state = 'over'
    for (const deadlines of [idle, linger, spent]) deadlines.drop(this)
    this.#hold(0)
  }

  /** Its turn has come, or it may have budget again. */
  goOn(): void {
    if (this.#state !== 'waiting') return
    this.#state = 'reading'
    this.#serveAndResume()
  }

  whenIdle(): void {
    // who waits for this node is not idle
    if (this.#state === 'waiting') this.#server.idle.set(this)
    else this.#finish()
  }

  whenLingering(): void {
    this.#stream.reset('the peer did not close its side')
  }

  #serveAndResume(): void {
    this.#serve()
    this.#keep()
    // last, since it may deliver what has come meanwhile
    if (this.#isReading()) this.#stream.resume()
  }

  /** Answers what is there, until nothing is or something has to be waited for. */
  #serve(): void {
    try {
      while (this.#isReading() && this.#frames.hasNext) {
        if (this.#mayGoOn()) this.#answerNext()
      }
    } catch (cause) {
      // an answer that cannot be sent is a defect of ours, too
      this.#refuse(String(cause))
    }
    if (this.#ended && this.#isReading()) this.#finish()
  }

  /** What is not answered yet, past the call in which it came. */
  #keep(): void {
    this.#frames.own()
    if (this.#state !== 'over') this.#hold(this.#frames.ownedBytes)
  }

  #hold(bytes: number): void {
    if (bytes === this.#heldBytes) return
    const difference = bytes - this.#heldBytes
    this.#heldBytes = bytes
    this.#stream.holds?.(difference)
  }

  // a method, since the state changes in the methods that a loop calls
  #isReading(): boolean {
    return this.#state === 'reading'
  }

  #mayGoOn(): boolean {
    const { clock, spent, turns } = this.#server
    const { budget } = this.#client
    if (budget.isSpent(clock.now())) spent.set(this)
    else if (budget.takeFromTurn(turns.current, shareOfTurn(turns.crowd))) return true
    else turns.wait(this)
    this.#wait('waiting')
    return false
  }

  #answerNext(): void {
    const startedAtMs = this.#server.timings === undefined ? 0 : this.#server.clock.now()
    const frame = this.#frames.next()
    const request = typeof frame === 'string' ? undefined : decodeRequest(frame)
    if (request === undefined) {
      this.#refuse('not a kad message')
      this.#timed(undefined, 'refused', startedAtMs)
      return
    }
    const { type } = request
    this.#server.idle.touch(this)
    this.#spend(requestBytes + frame.length)

    let outcome: Outcome | Promise<Outcome>
    try {
      outcome = this.#server.answer(request, this.#client)
    } catch (cause) {
      this.#fail(type, cause, startedAtMs)
      return
    }
    if (!(outcome instanceof Promise)) {
      this.#reply(type, outcome, startedAtMs)
      return
    }
    this.#wait('answering')
    outcome.then(
      (late) => this.#whenAnswered(type, late, startedAtMs),
      (cause) => this.#fail(type, cause, startedAtMs)
    )
  }

  #whenAnswered(type: number, outcome: Outcome, startedAtMs: number): void {
    if (this.#state !== 'answering') return
    this.#state = 'reading'
    this.#reply(type, outcome, startedAtMs)
    this.#serveAndResume()
  }

  #reply(type: number, outcome: Outcome, startedAtMs: number): void {
    this.#send(outcome)
    this.#timed(type, outcome === 'refuse' ? 'refused' : 'ok', startedAtMs)
  }

  /** An answer that throws is a defect of ours, which does not concern other streams. */
  #fail(type: number, cause: unknown, startedAtMs: number): void {
    this.#refuse(String(cause))
    this.#timed(type, 'error', startedAtMs)
  }

  #timed(type: number | undefined, result: RpcResult, startedAtMs: number): void {
    const { timings, clock } = this.#server
    timings?.rpc(type, result, clock.now() - startedAtMs)
  }

  #send(outcome: Outcome): void {
    if (outcome === 'none') return
    if (outcome === 'refuse') {
      this.#refuse('a request that cannot be answered')
      return
    }
    const bytes = encodeAnswer(outcome)
    this.#spend(bytes.length)
    if (!this.#stream.send(bytes)) this.#wait('behind')
  }

  #spend(bytes: number): void {
    this.#client.budget.spend(bytes, this.#server.clock.now())
  }

  #wait(state: State): void {
    this.#state = state
    this.#stream.pause()
  }

  #refuse(reason: string): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#stream.reset(reason)
  }

  /** Closed, not reset: the peer may still read what was sent. */
  #finish(): void {
    this.#state = 'over'
    this.#server.idle.drop(this)
    this.#server.linger.set(this)
    this.#stream.close()
  }
}
