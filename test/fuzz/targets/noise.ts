import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { verifySignedBy } from '../../../src/connection/identity-key.ts'
import { CipherState } from '../../../src/connection/noise/cipher-state.ts'
import { NoiseError } from '../../../src/connection/noise/error.ts'
import { createNoiseIdentity, NoiseResponder } from '../../../src/connection/noise/handshake.ts'
import { MessageReader, maxHandshakeMessageBytes } from '../../../src/connection/noise/message-reader.ts'
import { decodePayload, encodePayload } from '../../../src/connection/noise/payload.ts'
import { NoiseRecords } from '../../../src/connection/noise/records.ts'
import { initiatorOf } from '../../connection/noise/initiator.ts'
import { mutateNoise, mutateProtobuf } from '../mutate/formats.ts'
import { corpus, pieces, promise, promiseEqual, reasonOf, type Target } from '../target.ts'

function messagesOf(chunks: Iterable<Uint8Array>): unknown {
  const reader = new MessageReader()
  const found: string[] = []
  const problem = reasonOf(NoiseError, () => {
    for (const chunk of chunks) {
      reader.push(chunk)
      for (let next = reader.next(); next !== undefined; next = reader.next()) {
        promise(next.length <= maxHandshakeMessageBytes, `a handshake message of ${next.length} bytes`)
        found.push(Buffer.from(next).toString('hex'))
      }
      chunk.fill(0xaa) // the caller's again
    }
  })
  return { found, problem, rest: problem === '' ? reader.rest() : '' }
}

function checkMessages(input: Uint8Array): void {
  promiseEqual(messagesOf(pieces(input)), messagesOf([Uint8Array.from(input)]), 'messages from pieces')
}

function checkPayload(input: Uint8Array): void {
  const payload = decodePayload(input)
  if (payload === undefined) return
  promise(payload.streamMuxers.length <= 16, `${payload.streamMuxers.length} muxers`)
  promiseEqual(decodePayload(encodePayload(payload)), payload, 'a payload that was written')
}

const keys = new Uint8Array(64).map((_, i) => i)
const end = (own: number, other: number) =>
  new NoiseRecords({ send: new CipherState(keys, own), receive: new CipherState(keys, other) })

function plaintextsOf(chunks: Iterable<Uint8Array>): unknown {
  const records = end(32, 0)
  const found: string[] = []
  let pushed = 0
  const problem = reasonOf(NoiseError, () => {
    for (const chunk of chunks) {
      pushed += chunk.length
      records.push(chunk, (plaintext) => found.push(Buffer.from(plaintext).toString('hex')))
      promise(records.pendingBytes <= Math.min(65_537, 2 * pushed), `${records.pendingBytes} bytes for ${pushed}`)
    }
  })
  return { found, problem }
}

function checkRecords(input: Uint8Array): void {
  promiseEqual(plaintextsOf(pieces(input)), plaintextsOf([Uint8Array.from(input)]), 'records from pieces')
  const out: Uint8Array[] = []
  end(32, 0).push(end(0, 32).seal([...pieces(input)]), (plaintext) => out.push(Buffer.from(plaintext)))
  promise(Buffer.concat(out).equals(input), 'what was sealed is not what was opened')
}

/** A key of `length` bytes (two in front say so), what it signed, and a signature, as one input. */
function splitProof(input: Uint8Array): { key: Uint8Array; signature: Uint8Array } {
  const keyEnd = 2 + (input[0] ?? 0) * 256 + (input[1] ?? 0)
  return { key: input.subarray(2, keyEnd), signature: input.subarray(keyEnd) }
}

const signed = Buffer.from('what every key of the seeds has signed')

async function checkIdentityKey(input: Uint8Array): Promise<void> {
  const { key, signature } = splitProof(input)
  const verdict = await verifySignedBy(key, signed, signature)
  const isProblem = verdict === 'bad-identity' || verdict === 'bad-signature'
  promise(isProblem || verdict.publicKey !== undefined || verdict.type === 'RSA', 'neither a peer nor a problem')
}

async function proofs(): Promise<Uint8Array[]> {
  const types = ['Ed25519', 'secp256k1', 'RSA', 'ECDSA'] as const
  return Promise.all(
    types.map(async (type) => {
      const key = await generateKeyPair(type as 'Ed25519')
      const protobuf = publicKeyToProtobuf(key.publicKey)
      const signature = await key.sign(signed)
      return Buffer.concat([Uint8Array.of(protobuf.length >> 8, protobuf.length & 255), protobuf, signature])
    })
  )
}

export async function noiseTargets(): Promise<Target[]> {
  const node = await createNoiseIdentity(await generateKeyPair('Ed25519'), ['/yamux/1.0.0'])
  const { identity, initiator } = await initiatorOf(await generateKeyPair('Ed25519'))
  const payloads = [identity.payload, ...corpus('noise-payload')]

  /** First message: as it is; last message: as it is, or sealed for the session as only a peer with a key can. */
  const checkHandshake = async (whole: Uint8Array) => {
    // what is longer ends in the message reader
    const input = whole.subarray(0, maxHandshakeMessageBytes)
    for (const attack of ['first', 'third', 'payload']) {
      const responder = new NoiseResponder(node)
      const peer = initiator()
      try {
        const reply = responder.read(attack === 'first' ? input : peer.first())
        if (reply === undefined) throw new Error('no reply to the first message')
        if (attack !== 'first') {
          peer.readSecond(reply)
          promise(responder.read(attack === 'third' ? input : peer.third(input)) === undefined, 'a second reply')
        }
        await responder.finish()
        // the payload's key has signed another static key than the recorded peers', so only this process' proves itself
        promise(attack === 'payload', `a handshake without a proof, by its ${attack} message`)
        const proof = decodePayload(input)
        promise(proof !== undefined && proof.signature.length > 0, 'a handshake without a signature')
      } catch (cause) {
        if (!(cause instanceof NoiseError)) throw cause
      }
    }
  }
  const sealed = end(0, 32)
  const records = Buffer.concat([100, 1, 3000, 65_519, 20].map((size) => sealed.seal([Buffer.alloc(size, size)])))
  const first = Buffer.concat([Uint8Array.of(0, 32), initiator().first()])
  return [
    {
      name: 'noise messages',
      weight: 8,
      seeds: [first, ...corpus('noise-message')],
      mutate: mutateNoise,
      check: checkMessages
    },
    { name: 'noise payload', weight: 8, seeds: payloads, mutate: mutateProtobuf, check: checkPayload },
    { name: 'noise handshake', weight: 2, seeds: payloads, mutate: mutateProtobuf, check: checkHandshake },
    {
      name: 'noise records',
      weight: 1,
      seeds: [records, records.subarray(0, 3200)],
      mutate: mutateNoise,
      check: checkRecords
    },
    { name: 'identity key', weight: 1, seeds: await proofs(), mutate: mutateNoise, check: checkIdentityKey }
  ]
}
