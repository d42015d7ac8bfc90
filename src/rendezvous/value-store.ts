import { publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import { keyOf } from '../peers/peer-key.ts'
import type { ValueRecord } from './wire.ts'

/** Go's life of a value record (kad-dht amino.DefaultMaxRecordAge). */
const recordLifeMs = 48 * 3_600_000
/** A public key has 36 to 550 bytes, an IPNS record at most 10 KiB by its specification. */
const maxValueBytes = 10 * 1024
/** The network's clients put no values at all: 1,024 × 10 KiB bounds what strangers can leave here at 10 MiB. */
const maxRecords = 1024

interface Stored {
  readonly record: ValueRecord
  readonly receivedAtMs: number
}

/**
 * Values of the two namespaces that Go's validators accept: `/pk/<peer id>` and `/ipns/<peer id>`. At the bound the
 * record that was put longest ago makes room.
 */
export class ValueStore {
  readonly #records = new Map<string, Stored>()

  get size(): number {
    return this.#records.size
  }

  get(key: Uint8Array, nowMs: number): Stored | undefined {
    const stored = this.#records.get(keyOf(key))
    if (stored === undefined || nowMs - stored.receivedAtMs < recordLifeMs) return stored
    this.#records.delete(keyOf(key))
    return undefined
  }

  /** @returns false for a record that is not valid, too large, or older than the one that is here */
  async put(record: ValueRecord, nowMs: number): Promise<boolean> {
    if (record.value.length > maxValueBytes) return false
    const namespace = keyOf(record.key).match(/^\/(pk|ipns)\//)?.[1]
    const valid =
      namespace === 'pk'
        ? isPublicKeyOf(record)
        : namespace === 'ipns'
          ? await this.#isBetterName(record, nowMs)
          : false
    if (!valid) return false

    const key = keyOf(record.key)
    this.#records.delete(key)
    this.#records.set(key, {
      record: { key: new Uint8Array(record.key), value: new Uint8Array(record.value) },
      receivedAtMs: nowMs
    })
    for (const oldest of this.#records.keys()) {
      if (this.#records.size <= maxRecords) break
      this.#records.delete(oldest)
    }
    return true
  }

  /** The library is loaded at the first use: none of the network's clients publishes names. */
  async #isBetterName({ key, value }: ValueRecord, nowMs: number): Promise<boolean> {
    const [{ ipnsValidator }, { ipnsSelector }] = await Promise.all([import('ipns/validator'), import('ipns/selector')])
    try {
      await ipnsValidator(key, value)
      const known = this.get(key, nowMs)
      return known === undefined || ipnsSelector(key, [value, known.record.value]) === 0
    } catch {
      return false
    }
  }
}

/** go-libp2p-record's PublicKeyValidator: the key belongs to the peer id that is named by it. */
function isPublicKeyOf({ key, value }: ValueRecord): boolean {
  try {
    const id = publicKeyFromProtobuf(value).toMultihash().bytes
    return Buffer.compare(id, key.subarray('/pk/'.length)) === 0
  } catch {
    return false
  }
}
