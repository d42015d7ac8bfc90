import {
  decodePeerEntry,
  decodeRecordEntry,
  encodePeerEntry,
  encodeRecordEntry,
  peerEntryKey,
  peerOfEntryKey,
  recordEntryKey,
  recordOfEntryKey
} from '../../../src/rendezvous/remembered/entries.ts'
import { seal, unseal } from '../../../src/state/sealed.ts'
import { mutateBytes } from '../mutate/bytes.ts'
import { bytesOfText, corpus, promise, promiseEqual, type Target } from '../target.ts'

function checkEntry(input: Uint8Array): void {
  const peer = decodePeerEntry(input)
  if (peer !== undefined) promiseEqual(encodePeerEntry(peer), Buffer.from(input), 'the entry of a peer')
  const record = decodeRecordEntry(input)
  if (record !== undefined) promiseEqual(encodeRecordEntry(record), Buffer.from(input), 'the entry of a record')

  const key = Buffer.from(input).toString('latin1')
  const read = recordOfEntryKey(key)
  if (read !== undefined && key.startsWith('r'))
    promiseEqual(recordEntryKey(read.peer, read.key), key, 'the key of a record')
  promiseEqual(peerOfEntryKey(peerEntryKey(key)), key, 'the key of a peer')
}

const sealedUnder = Buffer.from('the key of an entry')

function checkSealed(input: Uint8Array): void {
  const sealed = Buffer.from(input)
  const value = unseal(sealedUnder, sealed)
  if (value !== undefined)
    promise(seal(sealedUnder, value).equals(sealed), 'something was opened that was not sealed so')
  const own = unseal(sealedUnder, seal(sealedUnder, input))
  promise(own !== undefined && sealed.equals(own), 'what was sealed is not what was opened')
}

export function stateTargets(): Target[] {
  const address = corpus('address')[0] ?? new Uint8Array()
  const peer = {
    connected: true,
    dialFailed: false,
    seenAtMs: Date.UTC(2026, 10, 23),
    remote: address,
    encoded: 'peer'
  }
  const entries = [
    encodePeerEntry(peer),
    encodePeerEntry({ ...peer, connected: false, dialFailed: true, remote: new Uint8Array() }),
    encodeRecordEntry({ expiresAtMs: Date.UTC(2026, 10, 25), prefix: '10.1.2.0/24' }),
    bytesOfText(recordEntryKey('p'.repeat(38), 'k'.repeat(34)) ?? '')
  ]
  const sealed = entries.map((entry) => seal(sealedUnder, entry))
  return [
    { name: 'remembered entry', weight: 8, seeds: entries, mutate: mutateBytes, check: checkEntry },
    { name: 'sealed state', weight: 4, seeds: sealed, mutate: mutateBytes, check: checkSealed }
  ]
}
