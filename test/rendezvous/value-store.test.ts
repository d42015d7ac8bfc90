import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { expect, it } from 'vitest'
import { ValueStore } from '../../src/rendezvous/value-store.ts'
import type { ValueRecord } from '../../src/rendezvous/wire.ts'

const hourMs = 3_600_000

async function publicKeyRecord(): Promise<ValueRecord> {
  const { publicKey } = await generateKeyPair('Ed25519')
  const key = Buffer.concat([Buffer.from('/pk/'), publicKey.toMultihash().bytes])
  return { key: new Uint8Array(key), value: publicKeyToProtobuf(publicKey) }
}

it('keeps a record for 48 h after it was put last', async () => {
  const store = new ValueStore()
  const record = await publicKeyRecord()
  expect(await store.put(record, 0)).toBe(true)
  expect(await store.put(record, hourMs)).toBe(true)
  expect(store.get(record.key, 49 * hourMs - 1)?.record).toEqual(record)
  expect(store.get(record.key, 49 * hourMs)).toBeUndefined()
  expect(store.size).toBe(0)
})

it('keeps 1,024 records; the one that was put longest ago makes room', async () => {
  const store = new ValueStore()
  const records = await Promise.all(Array.from({ length: 1026 }, publicKeyRecord))
  for (const [at, record] of records.entries()) await store.put(record, at)
  expect(store.size).toBe(1024)
  expect(records.slice(0, 3).map(({ key }) => store.get(key, 1026) !== undefined)).toEqual([false, false, true])
})

it('refuses a value above 10 KiB before it looks at it', async () => {
  const { key, value } = await publicKeyRecord()
  expect(await new ValueStore().put({ key, value: Buffer.concat([value, Buffer.alloc(10 * 1024)]) }, 0)).toBe(false)
})
