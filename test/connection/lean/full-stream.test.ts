import type { Connection, Stream } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { maxHeldBytes } from '../../../src/connection/lean/backlog.ts'
import { ignoring } from '../identify/identified.ts'
import { LeanBench, stopAll } from './bench.ts'
import { greeting, lines, yamuxClient } from './raw-client.ts'
import { dial, exchange, stopClients } from './stock-client.ts'

let bench: LeanBench
beforeEach(async () => {
  bench = await LeanBench.start()
})
afterEach(async () => {
  await stopClients()
  await stopAll()
})

/** The two ends of a stream that the peer has opened. */
async function pair(connection?: Connection) {
  const arrived = Promise.withResolvers<Stream>()
  bench.registrar.handle('/a', (stream) => arrived.resolve(stream))
  const dialled = connection ?? (await dial(bench)).there
  return { dialled, there: await dialled.newStream('/a'), here: await arrived.promise }
}

const event = (stream: Stream, type: 'close' | 'drain' | 'end' | 'remoteCloseWrite') =>
  new Promise<Event>((resolve) => stream.addEventListener(type, resolve, { once: true }))
const long = Buffer.alloc(3 * 1024 * 1024, 'long')

describe('a stream that the registrar serves', () => {
  it('is closed for writing on each side by itself', async () => {
    const { here, there } = await pair()
    const heard = event(here, 'remoteCloseWrite')
    await there.close()
    await heard
    expect([here.remoteWriteStatus, here.writeStatus, here.status]).toEqual(['closed', 'writable', 'open'])
    const answer: Uint8Array[] = []
    there.addEventListener('message', ({ data }) => answer.push(data.subarray()))
    const [closedHere, closedThere] = [event(here, 'close'), event(there, 'close')]
    here.send(Buffer.from('after your end'))
    await here.close()
    await Promise.all([closedHere, closedThere])
    expect(Buffer.concat(answer).toString()).toBe('after your end')
    expect(bench.opened[0]!.streams).toEqual([])
  })

  it('says when the peer is behind, and when it has caught up', async () => {
    const { here, there } = await pair()
    there.pause()
    expect(here.send(long)).toBe(false)
    const drained = event(here, 'drain')
    let received = 0
    there.addEventListener('message', ({ data }) => {
      received += data.byteLength
    })
    there.resume()
    await drained
    await expect.poll(() => received).toBe(long.length)
    expect(here.send(Buffer.from('more'))).toBe(true)
  })

  it('holds the peer back while it is paused, and misses nothing', async () => {
    const { here, there, dialled } = await pair()
    here.pause()
    const received: Uint8Array[] = []
    here.addEventListener('message', ({ data }) => received.push(data.subarray()))
    expect(there.send(long)).toBe(false)
    const ended = event(here, 'end')
    const closing = there.close()
    // all that the peer's window takes is here once another stream has been served
    const { here: other } = await pair(dialled)
    other.abort(new Error('enough'))
    expect(received).toEqual([])
    here.resume()
    await Promise.all([closing, ended])
    expect(Buffer.concat(received).equals(long)).toBe(true)
  })

  it('hears that the peer resets it', async () => {
    const { here, there } = await pair()
    const closed = event(here, 'close')
    there.abort(new Error('no more'))
    expect(await closed).toMatchObject({ error: { name: 'StreamResetError' } })
    expect(here.status).toBe('reset')
    expect(() => here.send(Buffer.from('x'))).toThrow()
  })

  it('is reset at the peer when it is aborted here', async () => {
    const { here, there } = await pair()
    const closed = event(there, 'close')
    here.abort(new Error('no more'))
    await closed
    expect([here.status, there.status]).toEqual(['aborted', 'reset'])
    expect(bench.opened[0]!.streams).toEqual([])
  })

  it('ends with its connection', async () => {
    const { here } = await pair()
    const closed = event(here, 'close')
    bench.opened[0]!.abort(new Error('enough'))
    await closed
    expect(here.status).toBe('closed')
  })

  it('keeps what comes before anybody listens', async () => {
    const { here, there } = await pair()
    there.send(Buffer.from('early'))
    await there.close()
    await expect.poll(() => here.remoteWriteStatus).toBe('closed')
    expect(String(await exchange(here, Buffer.from('late')))).toBe('early')
  })
})

it('what nobody listens to counts for all connections: who fills its streams is closed', async () => {
  bench.registrar.handle('/a', () => {})
  const peer = await yamuxClient(bench.port)
  for (let sent = 0; sent <= maxHeldBytes; sent += long.length) {
    // one after the other, as the client's own side bounds what it has not sent
    const taken = Promise.withResolvers<void>()
    const stream = peer.session.open({ ...ignoring, onDrain: taken.resolve })
    stream.send(Buffer.concat([lines(greeting, '/a'), long]))
    await Promise.race([taken.promise, peer.raw.closed])
  }
  await peer.raw.closed
  await bench.expectNothingLeft()
  expect(bench.endings.snapshot()).toEqual({ backlog: 1 })
})
