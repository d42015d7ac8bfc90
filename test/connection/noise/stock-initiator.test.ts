import { generateKeyPair } from '@libp2p/crypto/keys'
import type { MultiaddrConnection, PrivateKey } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { describe, expect, it } from 'vitest'
import {
  chooseStreamMuxer,
  createNoiseIdentity,
  NoiseResponder,
  type NoiseSession
} from '../../../src/connection/noise/handshake.ts'
import { NoiseRecords } from '../../../src/connection/noise/records.ts'

const yamux = '/yamux/1.0.0'

type Encrypter = ReturnType<ReturnType<typeof noise>>

/** js-libp2p's Noise, as a peer with this key and these muxers has it. */
function stock(privateKey: PrivateKey, muxers: readonly string[]): Encrypter {
  const factories = new Map(muxers.map((protocol) => [protocol, { protocol }]))
  return noise()({
    privateKey,
    peerId: peerIdFromPrivateKey(privateKey),
    logger: { forComponent: () => undefined }, // the connection's own is used
    upgrader: { getStreamMuxers: () => factories }
  } as unknown as Parameters<ReturnType<typeof noise>>[0])
}

/** Answers on a connection until the handshake is over, then echoes what comes in. */
function echo(connection: MultiaddrConnection, responder: NoiseResponder): Promise<NoiseSession> {
  return new Promise((resolve, reject) => {
    let waiting = Buffer.alloc(0)
    let records: NoiseRecords | undefined
    const handshake = async () => {
      for (let length = 0; records === undefined && waiting.length >= 2; ) {
        length = waiting.readUInt16BE()
        if (waiting.length < 2 + length) return
        const reply = responder.read(waiting.subarray(2, 2 + length))
        waiting = waiting.subarray(2 + length)
        if (reply !== undefined) connection.send(reply)
        else {
          const session = await responder.finish()
          records = new NoiseRecords(session)
          resolve(session)
        }
      }
    }
    connection.addEventListener('message', ({ data }) => {
      const chunk = Buffer.from(data.subarray())
      if (records === undefined) {
        waiting = Buffer.concat([waiting, chunk])
        handshake().catch(reject)
      } else {
        const echoes: Buffer[] = []
        records.push(chunk, (plaintext) => void echoes.push(Buffer.from(plaintext)))
        if (echoes.length > 0) connection.send(records.seal(echoes))
      }
    })
  })
}

describe("js-libp2p's Noise dials", () => {
  it.each(['Ed25519', 'secp256k1', 'RSA'] as const)('with an identity of type %s', async (type) => {
    const key: PrivateKey = await generateKeyPair(type as 'Ed25519')
    const own = await generateKeyPair('Ed25519')
    const [outbound, inbound] = multiaddrConnectionPair()
    const responder = new NoiseResponder(await createNoiseIdentity(own, [yamux]))

    const [session, secured] = await Promise.all([
      echo(inbound, responder),
      stock(key, ['/mplex/6.7.0', yamux]).secureOutbound(outbound, {
        remotePeer: peerIdFromPrivateKey(own)
      })
    ])
    expect(session.remotePeer.toString()).toBe(peerIdFromPrivateKey(key).toString())
    expect(secured.remotePeer.equals(peerIdFromPrivateKey(own))).toBe(true)
    expect(session.extensions.streamMuxers).toEqual(['/mplex/6.7.0', yamux])
    // both sides come to the same muxer
    expect(secured.streamMuxer?.protocol).toBe(yamux)
    expect(chooseStreamMuxer(session.extensions.streamMuxers, [yamux])).toBe(yamux)

    const sent = Buffer.from(new Uint8Array(150_000).map((_, i) => i * 7)) // three records
    expect((await sendAndReceive(secured.connection, sent)).equals(sent)).toBe(true)
  })

  it('and refuses an identity of ours with another key', async () => {
    const [key, own, other] = await Promise.all([1, 2, 3].map(() => generateKeyPair('Ed25519')))
    const [outbound, inbound] = multiaddrConnectionPair()
    void echo(inbound, new NoiseResponder(await createNoiseIdentity(own!, [yamux])))
    const dialled = stock(key!, [yamux]).secureOutbound(outbound, {
      remotePeer: peerIdFromPrivateKey(other!)
    })
    await expect(dialled).rejects.toThrow('does not match expected remote identity key')
  })
})

/** Sends bytes, and waits for as many. */
function sendAndReceive(
  connection: Awaited<ReturnType<Encrypter['secureOutbound']>>['connection'],
  sent: Uint8Array
): Promise<Buffer> {
  return new Promise((resolve) => {
    const back: Uint8Array[] = []
    let length = 0
    connection.addEventListener('message', ({ data }) => {
      back.push(new Uint8Array(data.subarray()))
      length += data.byteLength
      if (length >= sent.length) resolve(Buffer.concat(back))
    })
    connection.send(sent)
  })
}
