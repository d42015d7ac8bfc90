import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { LeanBench, stopAll } from './bench.ts'
import { type RawClient, yamuxClient } from './raw-client.ts'

let bench: LeanBench

beforeEach(async () => {
  bench = await LeanBench.start()
})

afterEach(stopAll)

const crowd = 150

it.each([
  ['end', 'peer-left', ({ socket }: RawClient) => socket.end()],
  ['are cut off', 'socket', ({ socket }: RawClient) => socket.resetAndDestroy()]
])('of many connections that %s at once, 64 are closed in a turn', async (_, reason, leave) => {
  const clients = await Promise.all(Array.from({ length: crowd }, () => yamuxClient(bench.port)))
  await expect.poll(() => bench.opened.length).toBe(crowd)
  for (const { raw } of clients) leave(raw)
  const closedInTurns: number[] = []
  while (bench.closed.length < crowd) {
    const before = bench.closed.length
    await nextTurn()
    closedInTurns.push(bench.closed.length - before)
  }
  expect(Math.max(...closedInTurns)).toBe(64)
  expect(bench.endings.snapshot()).toEqual({ [reason]: crowd })
  await bench.expectNothingLeft()
})
