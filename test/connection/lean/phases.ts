import type { LeanBench } from './bench.ts'
import { certificateOf, greeting, lines, noiseClient, noiseHalfway, RawClient, tlsClient } from './raw-client.ts'

/** How far a client goes before it stops; resolves when the listener has seen so much. */
export type Phase = (bench: LeanBench) => Promise<RawClient>

/** Where a handshake can stop. */
export const phases: Readonly<Record<string, Phase>> = {
  silent: ({ port }) => RawClient.connect(port),
  'half a line': async ({ port }) => (await RawClient.connect(port)).send(lines(greeting).subarray(0, 7)),
  'after the header': async ({ port }) => {
    const raw = (await RawClient.connect(port)).send(lines(greeting))
    await raw.takeLines(greeting)
    return raw
  },
  'after an unknown security': async ({ port }) => {
    const raw = (await RawClient.connect(port)).send(lines(greeting, '/plaintext/2.0.0'))
    await raw.takeLines(greeting, 'na')
    return raw
  },
  'after /noise': async ({ port }) => (await RawClient.connect(port)).negotiated('/noise'),
  'after the first message of Noise': async ({ port }) => (await noiseHalfway(port)).raw,
  'after Noise, before the muxer': async ({ port }) => {
    const { raw, records, send } = await noiseClient(port, { muxers: [] })
    send(lines(greeting))
    const length = await raw.take(2)
    records.push(Buffer.concat([length, await raw.take(length.readUInt16BE())]), () => {})
    return raw
  },
  'after /tls': async ({ port }) => (await RawClient.connect(port)).negotiated('/tls/1.0.0'),
  'after ClientHello': async ({ port }) => {
    let flights = 0
    const { raw } = await tlsClient(port, { tap: (chunk) => (flights++ === 0 ? chunk : Buffer.alloc(0)) })
    await new Promise((resolve) => raw.socket.once('data', resolve))
    return raw
  },
  'after TLS, before the muxer': async ({ port }) => {
    const { raw, tls } = await tlsClient(port, { ...(await certificateOf()), ALPNProtocols: ['libp2p'] })
    tls.write(lines(greeting))
    await new Promise((resolve) => tls.once('data', resolve))
    return raw
  }
}
