import { readdirSync, readFileSync } from 'node:fs'
import type { Mutate } from './mutate/bytes.ts'
import { Random } from './random.ts'

/** Something that reads what strangers send, and what it promises about any input. */
export interface Target {
  readonly name: string
  /** Inputs of a run in proportion to those of the others: what needs sockets or signatures gets fewer. */
  readonly weight: number
  /** Inputs as real peers send them. */
  readonly seeds: readonly Uint8Array[]
  readonly mutate: Mutate
  /**
   * The same for the same input.
   *
   * @throws whatever the code under test must not throw, and a {@link BrokenPromise}
   */
  readonly check: (input: Uint8Array) => void | Promise<void>
  readonly close?: () => Promise<void>
}

/** The code under test has not thrown, and still did what it must not do. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise'
}

export function promise(holds: boolean, what: string): asserts holds {
  if (!holds) throw new BrokenPromise(what)
}

export function promiseEqual(actual: unknown, expected: unknown, what: string): void {
  const [one, other] = [plain(actual), plain(expected)]
  promise(one === other, `${what}: ${one.slice(0, 300)} is not ${other.slice(0, 300)}`)
}

/** As text; byte arrays of any kind in hexadecimal. */
function plain(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (member instanceof Uint8Array) return Buffer.from(member).toString('hex')
    // a Buffer has become an object before it comes here
    const data = (member as { type?: unknown; data?: unknown } | null)?.data
    if (Array.isArray(data)) return Buffer.from(data).toString('hex')
    return typeof member === 'bigint' ? String(member) : (member ?? null)
  })
}

/** An error that the code under test may throw; its reason. Any other is thrown on. */
export function reasonOf<T extends { reason: string }>(type: new (...parts: never[]) => T, call: () => void): string {
  try {
    call()
  } catch (cause) {
    if (cause instanceof type) return cause.reason
    throw cause
  }
  return ''
}

/** The input in pieces; which, the input itself decides. Each is a copy, which the reader may spend. */
export function* pieces(input: Uint8Array): Generator<Uint8Array> {
  const random = Random.of(input)
  const longest = random.pick([1, 3, 20, 300, 5000])
  // an input that is cut byte by byte is read byte by byte: only short ones
  const least = Math.ceil(input.length / 2000)
  for (let at = 0; at < input.length; ) {
    const end = at + Math.max(least, 1 + random.below(longest))
    yield Uint8Array.from(input.subarray(at, end))
    at = end
  }
}

/** Recorded inputs of one kind, in the order of their names. */
export function corpus(kind: string): Uint8Array[] {
  const directory = new URL(`corpus/${kind}/`, import.meta.url)
  return readdirSync(directory)
    .sort()
    .map((name) => new Uint8Array(readFileSync(new URL(name, directory))))
}

export function bytesOfText(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'))
}
