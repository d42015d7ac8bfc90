import { afterEach, expect, it } from 'vitest'
import { lostAfterMs } from '../../../src/connection/lean/fair-line.ts'
import { asideMs } from '../../../src/connection/lean/fair-turns.ts'
import { mostUnderWay, stalledAfterMs } from '../../../src/connection/lean/handshake-slots.ts'
import { LeanBench, stopAll } from './bench.ts'
import { RawClient } from './raw-client.ts'

afterEach(stopAll)

const from = (localAddress: string, port: number) => RawClient.connect(port, { localAddress })

it('an address over its rate waits, and another is served meanwhile', async () => {
  const bench = await LeanBench.start()
  let open = false
  bench.admission.mayBegin = ({ address }) => open || address !== '127.0.0.2'
  const limited = await from('127.0.0.2', bench.port)
  const other = await from('127.0.0.3', bench.port)
  await other.negotiated('/noise')
  expect([bench.listener.handshaking, bench.listener.waiting]).toEqual([1, 1])
  open = true
  bench.clock.advance(asideMs)
  await limited.negotiated('/noise')
})

it('who has waited longer than any client does is closed, counted, and leaves nothing', async () => {
  const bench = await LeanBench.start()
  bench.admission.mayBegin = () => false
  const limited = await from('127.0.0.2', bench.port)
  await expect.poll(() => bench.clock.pending).toBe(1)
  bench.clock.advance(lostAfterMs + asideMs)
  await limited.closed
  await bench.expectNothingLeft()
  expect(bench.failures.snapshot()).toEqual({ overload: 1 })
})

it('who waits while the listener closes is closed', async () => {
  const bench = await LeanBench.start()
  bench.admission.mayBegin = () => false
  const limited = await from('127.0.0.2', bench.port)
  await expect.poll(() => bench.clock.pending).toBe(1)
  const closed = bench.listener.close()
  bench.clock.advance(asideMs)
  await Promise.all([closed, limited.closed])
  await bench.expectNothingLeft()
})

it('an address has so many handshakes under way, and the oldest makes room once it has stalled', async () => {
  const bench = await LeanBench.start()
  const silent = []
  for (let i = 0; i < mostUnderWay.ofAddress; i++) silent.push(await from('127.0.0.2', bench.port))
  const next = await from('127.0.0.2', bench.port)
  const other = await from('127.0.0.3', bench.port)
  await other.negotiated('/noise')
  await expect.poll(() => bench.listener.waiting).toBe(1)
  expect(bench.listener.handshaking).toBe(mostUnderWay.ofAddress + 1)
  bench.clock.advance(stalledAfterMs)
  await next.negotiated('/noise')
  await silent[0]!.closed
  expect(bench.failures.snapshot()).toEqual({ stalled: 1 })
})
