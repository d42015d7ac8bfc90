import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterEach, describe, expect, it } from 'vitest'
import { pingEcho, pingProtocol } from '../../../src/connection/ping.ts'
import { LeanBench, newKey, stopAll } from './bench.ts'
import { dial, echo, exchange, type Security, stopClients } from './stock-client.ts'

afterEach(async () => {
  await stopClients()
  await stopAll()
})

const securities: readonly [Security, encryption: string][] = [
  ['noise', '/noise'],
  ['tls', '/tls/1.0.0']
]

describe.each(securities)('js-libp2p dials over %s', (security, encryption) => {
  it.each([
    ['Ed25519', true],
    ['secp256k1', true],
    ['RSA', true],
    // its Noise (17.0.3) gives up when there is none to agree on: see glue.test.ts
    ['Ed25519', security === 'noise'],
    ['RSA', security === 'noise']
  ] as const)('with a key of type %s, the muxer agreed on early: %s', async (type, early) => {
    const bench = await LeanBench.start()
    bench.protocols.set(pingProtocol, pingEcho)
    const key = await newKey(type)
    const { there, here } = await dial(bench, { security, key, early })
    expect(String(await exchange(await there.newStream(pingProtocol), Buffer.from('hello')))).toBe('hello')
    expect(here.remotePeer.toString()).toBe(peerIdFromPrivateKey(key).toString())
    expect(here).toMatchObject({ encryption, multiplexer: '/yamux/1.0.0', direction: 'inbound', status: 'open' })
    expect(bench.admission).toMatchObject({ accepted: 1, finished: 1 })
    await there.close()
    await bench.expectNothingLeft()
    expect(bench.failures.snapshot()).toEqual({})
  })

  it('and is served on streams of its own and of ours, both ways', async () => {
    const bench = await LeanBench.start()
    const { node, there, here } = await dial(bench, { security })
    const bytes = Buffer.alloc(1024 * 1024, 'both ways')
    bench.registrar.handle('/echo', echo)
    expect((await exchange(await there.newStream('/echo'), bytes)).equals(bytes)).toBe(true)
    await node.handle('/echo', echo)
    expect((await exchange(await here.newStream('/echo'), bytes)).equals(bytes)).toBe(true)
    await expect.poll(() => here.streams).toEqual([])
  })
})
