import { MultistreamError } from './error.ts'
import { encodeLine, LineReader } from './lines.ts'

/** The first line of both sides (multistream-select 1.0.0). */
const greeting = '/multistream/1.0.0'
const greetingLine = encodeLine(greeting)
const notAvailableLine = encodeLine('na')

/** A peer that goes through more names than this is not looking for a protocol. */
const maxProposals = 32

export interface Selected {
  readonly protocol: string
  /** What the peer sent behind its choice, and belongs to the protocol: a view of the last chunk. */
  readonly rest: Uint8Array
}

/** The side that is asked: names are proposed until one is supported. */
export class Responder {
  readonly #isSupported: (protocol: string) => boolean
  readonly #lines = new LineReader()
  #greeted = false
  #proposals = 0

  constructor(isSupported: (protocol: string) => boolean) {
    this.#isSupported = isSupported
  }

  /** Of a line that has not come whole. */
  get pendingBytes(): number {
    return this.#lines.pendingBytes
  }

  /**
   * @param write takes what there is to answer, once a call at most
   * @returns the protocol once there is one
   * @throws MultistreamError
   */
  push(chunk: Uint8Array, write: (bytes: Uint8Array) => void): Selected | undefined {
    const replies: Uint8Array[] = []
    let selected: string | undefined
    this.#lines.push(chunk)
    while (selected === undefined) {
      const line = this.#lines.next()
      if (line === undefined) break
      if (!this.#greeted) {
        if (line !== greeting) throw new MultistreamError('no-multistream')
        this.#greeted = true
        replies.push(greetingLine)
        continue
      }
      if (++this.#proposals > maxProposals) throw new MultistreamError('too-many-proposals')
      if (this.#isSupported(line)) {
        selected = line
        replies.push(encodeLine(line))
      } else {
        replies.push(notAvailableLine)
      }
    }
    if (replies.length > 0) write(Buffer.concat(replies))
    return selected === undefined ? undefined : { protocol: selected, rest: this.#lines.rest() }
  }
}

/** The side that asks: it proposes its protocols one after the other. */
export class Initiator {
  readonly #protocols: readonly string[]
  readonly #lines = new LineReader()
  #greeted = false
  #asked = 0

  /** @param protocols in the order of preference, at least one */
  constructor(protocols: readonly string[]) {
    this.#protocols = protocols
  }

  /** What goes out first: the greeting and the first name, in one piece. */
  opening(): Uint8Array {
    return Buffer.concat([greetingLine, encodeLine(this.#protocols[0] ?? '')])
  }

  /**
   * @param write takes the next proposal, if there is one to make
   * @returns the protocol once the peer has agreed
   * @throws MultistreamError, also when the peer supports none
   */
  push(chunk: Uint8Array, write: (bytes: Uint8Array) => void): Selected | undefined {
    this.#lines.push(chunk)
    for (;;) {
      const line = this.#lines.next()
      if (line === undefined) return undefined
      if (!this.#greeted) {
        if (line !== greeting) throw new MultistreamError('no-multistream')
        this.#greeted = true
        continue
      }
      const protocol = this.#protocols[this.#asked] ?? ''
      if (line === protocol) return { protocol, rest: this.#lines.rest() }
      const next = this.#protocols[++this.#asked]
      if (line !== 'na' || next === undefined) throw new MultistreamError('not-supported')
      write(encodeLine(next))
    }
  }
}
