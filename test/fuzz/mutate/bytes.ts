import type { Random } from '../random.ts'

/** Changes an input; `others` are inputs of the same kind. */
export type Mutate = (bytes: Uint8Array, random: Random, others: readonly Uint8Array[]) => Uint8Array

/** Longer inputs are cut: what is bounded is so far below this, and each input costs time. */
export const maxInputBytes = 128 * 1024

const edges = [0, 1, 2, 0x0a, 0x7f, 0x80, 0x81, 0xfe, 0xff]
/** Lengths at which something begins to be too long, and numbers at which words end. */
const numbers = [0, 1, 15, 16, 127, 128, 255, 256, 1024, 1025, 8192, 8193, 65535, 65536, 262144, 2 ** 31 - 1, 2 ** 31]
const varints = ['00', '8000', '8100', '80808000', '8180808000', 'ff01', 'ffff7f', 'ffffffff0f', 'ffffffff7f'].concat([
  'ffffffffffffff7f',
  'ffffffffffffffff7f',
  'ffffffffffffffffff01',
  `${'80'.repeat(9)}01`,
  'ff'.repeat(11)
])

const edits: readonly Mutate[] = [
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, random) => bytes.subarray(random.below(bytes.length + 1)),
  (bytes, random) => put(bytes, random.below(bytes.length + 1), 0, random.bytes(1 + random.below(16))),
  (bytes, random) => put(bytes, random.below(bytes.length), 1, [random.below(256)]),
  (bytes, random) => put(bytes, random.below(bytes.length), 1, [random.pick(edges)]),
  (bytes, random) => {
    const at = random.below(bytes.length)
    return put(bytes, at, 1, [(bytes[at] ?? 0) ^ (1 << random.below(8))])
  },
  (bytes, random) =>
    put(bytes, random.below(bytes.length + 1), random.below(3), Buffer.from(random.pick(varints), 'hex')),
  (bytes, random) => put(bytes, random.below(bytes.length + 1), 2, bigEndian(random.pick(numbers), 2)),
  (bytes, random) => put(bytes, random.below(bytes.length + 1), 4, bigEndian(random.pick(numbers), 4)),
  (bytes, random) => {
    const [from, to] = range(bytes, random)
    return put(bytes, from, to - from, [])
  },
  (bytes, random) => {
    const [from, to] = range(bytes, random)
    return put(bytes, to, 0, bytes.subarray(from, to))
  },
  (bytes, random) => {
    const [from, to] = range(bytes, random)
    return put(bytes, to, 0, repeat(bytes.subarray(from, to), random.pick([3, 20, 200, 2000])))
  },
  (bytes, random) => {
    // two neighbours change places
    const [from, to] = range(bytes, random)
    const middle = from + random.below(to - from + 1)
    return put(bytes, from, to - from, [...bytes.subarray(middle, to), ...bytes.subarray(from, middle)])
  },
  (bytes, random, others) => {
    const other = others.length === 0 ? bytes : random.pick(others)
    const cut = bytes.subarray(0, random.below(bytes.length + 1))
    return Buffer.concat([cut, other.subarray(random.below(other.length + 1))])
  },
  (bytes, random, others) => Buffer.concat([bytes, others.length === 0 ? bytes : random.pick(others)])
]

/** Whatever the format is: cut, grow, flip, splice, repeat, reorder, put numbers that are edges. */
export const mutateBytes: Mutate = (bytes, random, others) => {
  let mutated = bytes
  for (let left = 1 + random.below(4); left > 0; left--) {
    mutated = random.pick(edits)(mutated, random, others).subarray(0, maxInputBytes)
  }
  return mutated
}

/** Replaces `length` bytes at `at`. */
export function put(bytes: Uint8Array, at: number, length: number, by: ArrayLike<number>): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), Uint8Array.from(by), bytes.subarray(at + length)])
}

export function repeat(bytes: Uint8Array, times: number): Uint8Array {
  const fitting = Math.min(times, Math.floor(maxInputBytes / Math.max(1, bytes.length)))
  return Buffer.concat(Array.from({ length: fitting }, () => bytes))
}

function range(bytes: Uint8Array, random: Random): [number, number] {
  const from = random.below(bytes.length + 1)
  return [from, from + random.below(Math.min(bytes.length - from, random.pick([4, 64, 4096])) + 1)]
}

function bigEndian(value: number, length: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes.subarray(4 - length)
}
