import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { asideMs } from '../../../src/connection/lean/fair-turns.ts'
import { lastWordsMs } from '../../../src/connection/lean/listener.ts'
import { Ports } from '../../../src/connection/lean/ports.ts'
import { HeldSocket } from '../../support/passed-socket.ts'
import { freePort } from '../../support/port.ts'
import { LeanBench, stopAll } from './bench.ts'
import { noiseHalfway, RawClient, yamuxClient } from './raw-client.ts'

/** Listeners on a passed socket wait for their clock when they close. */
const closing: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
  await stopAll()
})

async function onPassedSocket(): Promise<LeanBench> {
  const held = new HeldSocket()
  const ports = new Ports([{ fd: held.fd, name: 'test' }])
  await ports.adopt(['127.0.0.1'], held.port)
  const bench = await LeanBench.start(`/ip4/127.0.0.1/tcp/${held.port}`, ports)
  closing.push(async () => {
    const closed = bench.listener.close()
    bench.clock.advance(lastWordsMs)
    await closed
  })
  return bench
}

describe('a listener on a port that was open before', () => {
  it('serves those who came first', async () => {
    const port = await freePort()
    const ports = new Ports()
    await ports.openEarly(['127.0.0.1'], port)
    const raw = RawClient.connect(port).then((client) => client.negotiated('/noise'))
    const bench = await LeanBench.start(`/ip4/127.0.0.1/tcp/${port}`, ports)
    await raw
    expect(bench.listener.handshaking).toBe(1)
  })
})

describe('close() of a port that ends with the process', () => {
  it('cuts everybody at once', async () => {
    const bench = await LeanBench.start()
    const { raw } = await yamuxClient(bench.port)
    const half = await noiseHalfway(bench.port)
    await bench.connection()
    await bench.listener.close()
    await Promise.all([raw.closed, half.raw.closed])
    await bench.expectNothingLeft()
    expect(bench.failures.snapshot()).toEqual({ closed: 1 })
  })
})

it('tells admission how many of a network have come and are not over, and turns away who may not wait', async () => {
  const bench = await LeanBench.start()
  const { admission, clock, listener, port } = bench
  const told: number[] = []
  let mayBegin = true
  admission.mayBegin = () => mayBegin
  admission.mayWait = (_from, handshakes) => {
    told.push(handshakes)
    return handshakes < 3
  }
  const all = []
  for (let i = 0; i < 5; i++) {
    all.push(await RawClient.connect(port))
    await expect.poll(() => told.length).toBe(i + 1)
    await expect.poll(() => listener.handshaking).toBe(1)
    mayBegin = false
  }
  await Promise.all(all.slice(3).map(({ closed }) => closed))
  expect([told, admission.accepted]).toEqual([[0, 1, 2, 3, 3], 3])
  for (const raw of all.slice(0, 3)) raw.socket.destroy()
  mayBegin = true
  clock.advance(asideMs)
  await bench.expectNothingLeft()
})

it('close() forgets who has come and not begun', async () => {
  const bench = await LeanBench.start()
  const { admission, listener, port } = bench
  const accept = admission.acceptIncomingConnection
  admission.acceptIncomingConnection = () => {
    void listener.close()
    return accept()
  }
  const raw = await RawClient.connect(port)
  await raw.closed
  await bench.expectNothingLeft()
  expect(bench.failures.snapshot()).toEqual({})
})

describe('close() of a port that outlives the process', () => {
  it('lets who was accepted finish the handshake, then cuts everybody', async () => {
    const bench = await onPassedSocket()
    const half = await noiseHalfway(bench.port)
    const closed = bench.listener.close()
    bench.clock.advance(lastWordsMs - 1)
    half.raw.send(half.last())
    await bench.connection()
    expect(bench.closed).toEqual([])
    bench.clock.advance(1)
    await closed
    await half.raw.closed
    await bench.expectNothingLeft()
    expect([bench.failures.snapshot(), bench.endings.snapshot()]).toEqual([{}, { closed: 1 }])
  })

  it('cuts a handshake that takes longer', async () => {
    const bench = await onPassedSocket()
    const half = await noiseHalfway(bench.port)
    const closed = bench.listener.close()
    bench.clock.advance(lastWordsMs)
    await closed
    await half.raw.closed
    expect(bench.failures.snapshot()).toEqual({ closed: 1 })
  })

  it('accepts nobody from the beginning', async () => {
    const bench = await onPassedSocket()
    const { port } = bench
    const closed = bench.listener.close()
    // the only descriptor of the socket was closed, so nobody can wait in it here: test/process/activation.test.ts
    const late = connect(port, '127.0.0.1')
    await new Promise((resolve) => late.once('error', resolve))
    expect(bench.admission.accepted).toBe(0)
    bench.clock.advance(lastWordsMs)
    await closed
  })
})
