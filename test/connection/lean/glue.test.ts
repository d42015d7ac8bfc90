import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NoiseRecords } from '../../../src/connection/noise/records.ts'
import { pingEcho, pingProtocol } from '../../../src/connection/ping.ts'
import { initiatorOf } from '../noise/initiator.ts'
import { dataFrame, frame, SYN, WINDOW_UPDATE } from '../yamux/support.ts'
import { LeanBench, newKey, stopAll } from './bench.ts'
import { certificateOf, framed, greeting, lines, RawClient, tlsClient, yamuxName } from './raw-client.ts'

let bench: LeanBench
beforeEach(async () => {
  bench = await LeanBench.start()
  bench.protocols.set(pingProtocol, pingEcho)
})
afterEach(stopAll)

const ping = Buffer.alloc(32, 'ping')
/** A stream, its protocol and a ping, without waiting for an answer. */
const firstWords = Buffer.concat([
  frame(WINDOW_UPDATE, SYN, 1, 0),
  dataFrame(1, lines(greeting, pingProtocol)),
  dataFrame(1, ping)
])

/** Resolves once the echo is in what comes. */
function echoIn(onText: (take: (text: Uint8Array) => void) => void): Promise<void> {
  let text = ''
  return new Promise((resolve) => {
    onText((bytes) => {
      text += Buffer.from(bytes).toString('latin1')
      if (text.includes(ping.toString())) resolve()
    })
  })
}

/** Sends pieces of these sizes, each on its way before the next. */
async function sendIn(raw: RawClient, bytes: Buffer, sizes: readonly number[]): Promise<void> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const end = at + sizes[i % sizes.length]!
    await new Promise((resolve) => raw.socket.write(bytes.subarray(at, end), resolve))
    at = end
  }
}

async function overNoise(early: boolean, sizes: readonly number[]): Promise<void> {
  const { identity, initiator } = await initiatorOf(await newKey(), early ? [yamuxName] : [])
  const noise = initiator()
  const raw = await RawClient.connect(bench.port)
  await sendIn(raw, Buffer.concat([lines(greeting, '/plaintext/2.0.0', '/noise'), framed(noise.first())]), sizes)
  await raw.takeLines(greeting, 'na', '/noise')
  const length = await raw.take(2)
  noise.readSecond(Buffer.concat([length, await raw.take(length.readUInt16BE())]))
  const last = framed(noise.third(identity.payload))
  const records = new NoiseRecords(noise.split())
  const echoed = echoIn((take) => raw.socket.on('data', (chunk) => records.push(chunk, take)))
  const muxer = early ? [] : [lines(greeting, '/mplex/6.7.0', yamuxName)]
  await sendIn(raw, Buffer.concat([last, records.seal([...muxer, firstWords])]), sizes)
  await echoed
  raw.socket.destroy()
}

describe('bytes in any pieces', () => {
  it.each([
    [true, [1]],
    [false, [1]],
    [true, [100_000]],
    [false, [100_000]]
  ])('bring a client of Noise to its echo, muxer agreed on early: %s, pieces of %j', overNoise)

  it('as a property', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 })
    await fc.assert(fc.asyncProperty(fc.boolean(), sizes, overNoise), { numRuns: 10 })
    await bench.expectNothingLeft()
    expect(bench.failures.snapshot()).toEqual({})
  })

  it('bring a client of TLS to its echo, the muxer and a stream in one piece', async () => {
    const { tls, raw } = await tlsClient(bench.port, { ...(await certificateOf()), ALPNProtocols: ['libp2p'] })
    const echoed = echoIn((take) => tls.on('data', take))
    tls.write(Buffer.concat([lines(greeting, yamuxName), firstWords]))
    await echoed
    raw.socket.destroy()
  })

  it('bring a client of TLS to its echo, ClientHello right behind the choice of TLS', async () => {
    const { tls, raw } = await tlsClient(bench.port, { ...(await certificateOf()), glued: true })
    const echoed = echoIn((take) => tls.on('data', take))
    tls.write(firstWords)
    await echoed
    raw.socket.destroy()
  })
})
