import { MultistreamError } from '../../../src/connection/negotiation/error.ts'
import { LineReader, maxLineBytes } from '../../../src/connection/negotiation/lines.ts'
import { Initiator, Responder } from '../../../src/connection/negotiation/multistream.ts'
import { mutateFramed } from '../mutate/formats.ts'
import { corpus, pieces, promise, promiseEqual, reasonOf, type Target } from '../target.ts'

function linesOf(chunks: Iterable<Uint8Array>): unknown {
  const reader = new LineReader()
  const lines: string[] = []
  const problem = reasonOf(MultistreamError, () => {
    for (const chunk of chunks) {
      reader.push(chunk)
      for (let line = reader.next(); line !== undefined; line = reader.next()) {
        promise(line.length < maxLineBytes, `a line of ${line.length} bytes`)
        lines.push(line)
      }
      chunk.fill(0xaa) // the caller's again
    }
  })
  return { lines, problem, rest: problem === '' ? reader.rest() : '' }
}

/** What a side of the negotiation does with bytes; once there is a protocol, the rest is not its own. */
function negotiate(side: Responder | Initiator, chunks: Iterable<Uint8Array>): unknown {
  const written: Uint8Array[] = []
  let received = 0
  let protocol: string | undefined
  let rest: Uint8Array[] = []
  const problem = reasonOf(MultistreamError, () => {
    for (const chunk of chunks) {
      if (protocol !== undefined) {
        rest.push(chunk)
        continue
      }
      received += chunk.length
      const selected = side.push(chunk, (bytes) => void written.push(bytes))
      protocol = selected?.protocol
      if (selected !== undefined) rest = [selected.rest]
    }
  })
  const answer = Buffer.concat(written)
  // `na` has 4 bytes with length and newline, the shortest proposal 2
  promise(answer.length <= 2 * received + 40, `${answer.length} bytes answer ${received}`)
  // what was answered before a problem depends on the pieces: the connection is closed with it
  return problem === '' ? { answer, protocol, rest: Buffer.concat(rest) } : { problem }
}

function check(input: Uint8Array): void {
  promiseEqual(linesOf(pieces(input)), linesOf([Uint8Array.from(input)]), 'lines from pieces')
  const sides = [
    () => new Responder((name) => name === '/noise' || name === '/ipfs/kad/1.0.0'),
    () => new Initiator(['/tls/1.0.0', '/noise'])
  ]
  for (const side of sides) {
    promiseEqual(negotiate(side(), pieces(input)), negotiate(side(), [Uint8Array.from(input)]), 'pieces')
  }
}

export function negotiationTargets(): Target[] {
  return [{ name: 'multistream-select', weight: 10, seeds: corpus('multistream'), mutate: mutateFramed, check }]
}
