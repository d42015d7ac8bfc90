import { crc32 } from 'node:zlib'

const sumBytes = 4

/**
 * A value with a CRC-32 of key and value behind it: LevelDB checks its log, but not the blocks of its tables when it
 * reads them (1.20 without paranoid checks), and a value that a disk has changed must not become somebody's address.
 */
export function seal(key: Buffer, value: Uint8Array): Buffer {
  const sealed = Buffer.allocUnsafe(value.length + sumBytes)
  sealed.set(value)
  sealed.writeUInt32BE(crc32(value, crc32(key)), value.length)
  return sealed
}

/** The value; undefined: it is not what was sealed under this key. */
export function unseal(key: Buffer, sealed: Buffer): Uint8Array | undefined {
  const length = sealed.length - sumBytes
  if (length < 0) return undefined
  const value = sealed.subarray(0, length)
  return crc32(value, crc32(key)) === sealed.readUInt32BE(length) ? value : undefined
}
