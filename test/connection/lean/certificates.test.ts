import { X509Certificate } from 'node:crypto'
import { TLSSocket } from 'node:tls'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { LeanBench, newKey, nodeKey, stopAll } from './bench.ts'
import { certificateOf, noiseClient, tlsClient } from './raw-client.ts'

type Pair = Awaited<ReturnType<typeof certificateOf>>
let good: Pair

beforeAll(async () => {
  good = await certificateOf()
})
afterEach(async () => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  await stopAll()
})

/** The certificate with one byte changed at `offset` behind `found`; from the end if nothing is to be found. */
function changed({ cert, key }: Pair, found: string | undefined, offset: number): Pair {
  const der = Buffer.from(new X509Certificate(cert).raw)
  const at = found === undefined ? der.length : der.indexOf(Buffer.from(found, 'hex'))
  der[at + offset]! ^= 2
  return { cert: `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`, key }
}

async function expired(): Promise<Pair> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(1920, 0) })
  const pair = await certificateOf()
  vi.useRealTimers()
  return pair
}

async function impostor(): Promise<Pair> {
  const [mine, other] = await Promise.all([newKey(), newKey()])
  return certificateOf({ type: mine.type, publicKey: mine.publicKey, sign: other.sign.bind(other) } as typeof mine)
}

async function failure(bench: LeanBench, options: Parameters<typeof tlsClient>[1]): Promise<unknown> {
  const { raw } = await tlsClient(bench.port, options)
  await raw.closed
  await bench.expectNothingLeft()
  expect(bench.opened).toEqual([])
  return bench.failures.snapshot()
}

describe('a TLS client is turned away, and counted,', () => {
  it.each<[string, () => Promise<Pair>]>([
    ['whose certificate has expired', expired],
    ['whose certificate has no libp2p extension', async () => changed(good, '2b0601040183a25a0101', 9)],
    ['whose certificate is not signed by its key', async () => changed(good, undefined, -1)],
    ["whose certificate somebody else's identity has signed", impostor]
  ])('%s', async (_what, make) => {
    expect(await failure(await LeanBench.start(), await make())).toEqual({ certificate: 1 })
  })

  it('who has none', async () => {
    expect(await failure(await LeanBench.start(), {})).toEqual({ certificate: 1 })
  })

  it('who speaks TLS 1.2', async () => {
    expect(await failure(await LeanBench.start(), { ...good, maxVersion: 'TLSv1.2' })).toEqual({ tls: 1 })
  })

  it('who knows no name that this node knows', async () => {
    expect(await failure(await LeanBench.start(), { ...good, ALPNProtocols: ['h2'] })).toEqual({ tls: 1 })
  })

  it('who is this node itself, over Noise too', async () => {
    const bench = await LeanBench.start()
    expect(await failure(bench, await certificateOf(nodeKey))).toEqual({ self: 1 })
    const { raw } = await noiseClient(bench.port, { key: nodeKey })
    await raw.closed
    expect(bench.failures.snapshot()).toEqual({ self: 2 })
    expect(bench.admission).toMatchObject({ accepted: 2, finished: 2 })
  })
})

describe('a TLS socket that breaks', () => {
  it('together with the last flight of its handshake', async () => {
    const bench = await LeanBench.start()
    let flights = 0
    const tap = (chunk: Buffer) => (flights++ === 0 ? chunk : Buffer.concat([chunk, Buffer.alloc(100, 0xc1)]))
    const { raw } = await tlsClient(bench.port, { ...good, ALPNProtocols: ['libp2p'], tap })
    await raw.closed
    await bench.expectNothingLeft()
    expect(bench.failures.snapshot()).toEqual({ tls: 1 })
  })

  it.each([new Error('it broke'), undefined])('while the identity behind it is verified: %s', async (cause) => {
    const bench = await LeanBench.start()
    const key = await newKey('RSA')
    const original = TLSSocket.prototype.getPeerX509Certificate
    vi.spyOn(TLSSocket.prototype, 'getPeerX509Certificate').mockImplementationOnce(function (this: TLSSocket) {
      const certificate = original.call(this)
      this.destroy(cause)
      return certificate
    })
    expect(await failure(bench, await certificateOf(key))).toEqual(
      cause === undefined ? { 'peer-left': 1 } : { defect: 1 }
    )
  })

  it('as a connection ends at once, for its reason', async () => {
    const bench = await LeanBench.start()
    const key = await newKey('secp256k1')
    const { raw } = await tlsClient(bench.port, await certificateOf(key))
    expect((await bench.connection()).remotePeer.equals(peerIdFromPrivateKey(key))).toBe(true)
    raw.send(Buffer.alloc(100, 0xc1))
    await bench.expectNothingLeft()
    expect(bench.endings.snapshot()).toEqual({ tls: 1 })
  })
})
