import type { Random } from '../random.ts'
import { type Mutate, maxInputBytes, mutateBytes, repeat } from './bytes.ts'

/** A piece of a message, with what stands inside when it has an inside. */
export interface Piece {
  readonly bytes: Uint8Array
  /** What may be a message in turn, and how it is put back, with a length that is right, or that lies by `lie` bytes. */
  readonly inner?: { readonly bytes: Uint8Array; readonly wrap: (content: Uint8Array, lie: number) => Uint8Array }
}

const maxDepth = 8

/**
 * Mutates a message of elements with lengths: takes one out, doubles, repeats, reorders, exchanges with another input's, nests it in
 * itself, lies about a length, or goes inside and leaves all lengths around it right.
 *
 * @param split undefined for what is no such message, which is then mutated as bytes
 */
export function mutateElements(split: (bytes: Uint8Array) => readonly Piece[] | undefined): Mutate {
  const mutate = (bytes: Uint8Array, random: Random, others: readonly Uint8Array[], depth: number): Uint8Array => {
    const pieces = split(bytes)
    if (pieces === undefined || pieces.length === 0 || depth > maxDepth || random.oneIn(6)) {
      return mutateBytes(bytes, random, others)
    }
    const list = [...pieces]
    const at = random.below(list.length)
    const piece = random.pick(pieces)
    const inner = piece.inner
    const change = random.below(inner === undefined ? 5 : 10)
    if (change === 0) list.splice(at, 1)
    else if (change === 1) list.splice(at, 0, ...Array<Piece>(random.pick([1, 2, 17, 70, 300, 5000])).fill(piece))
    else if (change === 2) list.reverse()
    else if (change === 3)
      list.splice(at, 1, random.pick(split(others.length === 0 ? bytes : random.pick(others)) ?? list))
    else if (change === 4) list.splice(at, 1, { bytes: mutateBytes(list[at]?.bytes ?? bytes, random, others) })
    else if (inner !== undefined) {
      const index = pieces.indexOf(piece)
      const changed =
        change === 5
          ? inner.wrap(inner.bytes, random.pick([-1, 1, 2, 127, 2 ** 31, 2 ** 53]))
          : change === 6
            ? nested(inner, random.pick([2, 10, 100, 1000]))
            : change === 7
              ? inner.wrap(repeat(inner.bytes, random.pick([2, 50, 1000])), 0)
              : inner.wrap(mutate(inner.bytes, random, others, depth + 1), 0)
      list[index] = { bytes: changed }
    }
    return Buffer.concat(list.map((one) => one.bytes)).subarray(0, maxInputBytes)
  }
  return (bytes, random, others) => mutate(bytes, random, others, 0)
}

function nested({ bytes, wrap }: NonNullable<Piece['inner']>, times: number): Uint8Array {
  let content = bytes
  for (let i = 0; i < times && content.length < maxInputBytes; i++) content = wrap(content, 0)
  return content
}
