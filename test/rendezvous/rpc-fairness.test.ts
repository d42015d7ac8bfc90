import { beforeEach, describe, expect, it } from 'vitest'
import type { ByteStream, ByteStreamHandler } from '../../src/connection/byte-stream.ts'
import { encodeAnswer } from '../../src/rendezvous/encode.ts'
import {
  burstBytes,
  bytesPerSecond,
  RpcBudget,
  requestBytes,
  requestsPerTurn
} from '../../src/rendezvous/rpc-budget.ts'
import { budgetCheckMs, RpcServer, streamIdleMs } from '../../src/rendezvous/rpc-stream.ts'
import { MessageType } from '../../src/rendezvous/wire.ts'
import { SimulatedClock } from '../support/clock.ts'

const query = encodeAnswer({ type: MessageType.FIND_NODE, clusterLevel: 0, key: new Uint8Array(32) })
const queries = (count: number) => Buffer.concat(Array.from({ length: count }, () => query))

let clock: SimulatedClock
let turns: Array<() => void>
let server: RpcServer

const nextTurn = () => {
  for (const turn of turns.splice(0)) turn()
}

/** A stream whose peer reads as the test wants. */
class FakeStream implements ByteStream {
  answers = 0
  paused = false
  end: string | undefined
  reads = true
  readonly handler: ByteStreamHandler

  constructor(key: string, budget = new RpcBudget(clock.now())) {
    this.handler = server.open(this, { id: new Uint8Array(), key, prefix: 'here', budget })
  }

  send(): boolean {
    this.answers++
    return this.reads
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  close(): void {
    this.end = 'closed'
  }

  reset(reason: string): void {
    this.end = reason
  }
}

beforeEach(() => {
  clock = new SimulatedClock()
  turns = []
  server = new RpcServer(clock, ({ key }) => ({ type: MessageType.FIND_NODE, clusterLevel: 0, key }), {
    defer: (turn) => turns.push(turn)
  })
})

describe('a peer that sends 10,000 queries at once', () => {
  it('gets a slice of each turn, in which the others are answered too', () => {
    const [greedy, modest] = [new FakeStream('greedy'), new FakeStream('modest')]
    greedy.handler.onData(queries(1_000))
    expect([greedy.answers, greedy.paused]).toEqual([requestsPerTurn, true])
    modest.handler.onData(query)
    expect(modest.answers).toBe(1)
    nextTurn()
    expect(greedy.answers).toBe(2 * requestsPerTurn)
    for (let i = 0; i < 100; i++) nextTurn()
    expect([greedy.answers, greedy.paused, turns.length]).toEqual([1_000, false, 0])
  })

  it('gets no more by opening many streams', () => {
    const budget = new RpcBudget(0)
    const streams = Array.from({ length: 32 }, () => new FakeStream('greedy', budget))
    const answers = () => streams.reduce((sum, stream) => sum + stream.answers, 0)
    for (const stream of streams) stream.handler.onData(queries(20))
    expect(answers()).toBe(requestsPerTurn)
    nextTurn()
    expect(answers()).toBe(2 * requestsPerTurn)
    for (let i = 0; i < 100; i++) nextTurn()
    expect(answers()).toBe(32 * 20)
  })

  it('is slowed when its budget is spent, not reset, and gets every answer', () => {
    const greedy = new FakeStream('greedy')
    for (let i = 0; i < 10; i++) greedy.handler.onData(queries(1_000))
    const runTurns = () => {
      for (let i = 0; i < 1_000 && turns.length > 0; i++) nextTurn()
    }
    runTurns()
    const burst = burstBytes / (requestBytes + 2 * query.length)
    expect(greedy.answers / burst).toBeCloseTo(1, 1)
    expect(greedy.paused).toBe(true)

    for (const modest of ['a', 'b']) {
      const stream = new FakeStream(modest)
      stream.handler.onData(queries(3))
      expect(stream.answers).toBe(3)
    }
    const perSecond = bytesPerSecond / (requestBytes + 2 * query.length)
    for (let i = 0; i < 1_000 / budgetCheckMs; i++) {
      clock.advance(budgetCheckMs)
      runTurns()
    }
    expect((greedy.answers - burst) / perSecond).toBeGreaterThan(0.8)
    expect((greedy.answers - burst) / perSecond).toBeLessThan(1.2)
    for (let i = 0; i < 100; i++) {
      clock.advance(budgetCheckMs)
      runTurns()
    }
    expect([greedy.answers, greedy.paused, greedy.end]).toEqual([10_000, false, undefined])
  })

  it('has its side closed only after the last answer, when it has ended its own', () => {
    const greedy = new FakeStream('greedy')
    greedy.handler.onData(queries(20))
    greedy.handler.onEnd()
    expect([greedy.answers, greedy.end]).toEqual([requestsPerTurn, undefined])
    nextTurn()
    expect([greedy.answers, greedy.end]).toEqual([20, 'closed'])
  })

  it('is not idle as long as this node makes it wait, and costs no timer when it has gone', () => {
    const budget = new RpcBudget(0)
    budget.spend(burstBytes + bytesPerSecond * 200, 0)
    const greedy = new FakeStream('greedy', budget)
    greedy.handler.onData(query)
    clock.advance(streamIdleMs * 3)
    expect([greedy.answers, greedy.end]).toEqual([0, undefined])
    greedy.handler.onClose()
    expect(clock.pending).toBe(0)
    clock.advance(streamIdleMs)
    expect(greedy.answers).toBe(0)
  })
})

it('answers are paid for, too', () => {
  const providerPeers = new Uint8Array(2 ** 20)
  const large = () => ({ type: MessageType.GET_PROVIDERS, clusterLevel: 0, providerPeers })
  server = new RpcServer(clock, large, { defer: (turn) => turns.push(turn) })
  const stream = new FakeStream('greedy')
  stream.handler.onData(queries(100))
  for (let i = 0; i < 10; i++) nextTurn()
  expect(stream.answers).toBe(burstBytes / 2 ** 20)
})

describe('a peer that does not read its answers', () => {
  it('is not read from, and costs one answer', () => {
    const deaf = new FakeStream('deaf')
    deaf.reads = false
    deaf.handler.onData(queries(10))
    expect([deaf.answers, deaf.paused]).toEqual([1, true])
    deaf.handler.onDrain()
    expect([deaf.answers, deaf.paused]).toEqual([2, true])
    deaf.reads = true
    deaf.handler.onDrain()
    expect([deaf.answers, deaf.paused]).toEqual([10, false])
  })

  it('has its stream closed after a minute, then reset', () => {
    const deaf = new FakeStream('deaf')
    deaf.reads = false
    deaf.handler.onData(queries(10))
    clock.advance(streamIdleMs + 1_000)
    expect(deaf.end).toBe('closed')
    clock.advance(streamIdleMs)
    expect(deaf.end).toBe('the peer did not close its side')
    deaf.handler.onDrain()
    expect(deaf.answers).toBe(1)
  })
})
