import { YamuxError } from '../../../src/connection/yamux/session.ts'
import { frame, RecordingHandler, session } from '../../connection/yamux/support.ts'
import { type Mutate, put } from '../mutate/bytes.ts'
import { mutateYamux } from '../mutate/formats.ts'
import { Random } from '../random.ts'
import { corpus, pieces, promise, promiseEqual, reasonOf, type Target } from '../target.ts'

const limits = { maxInboundStreams: 8, maxOutboundStreams: 8, maxUnreadBytes: 40_000, resetBudget: 20 }
const lengths = [0, 1, 100, 262_143, 262_144, 262_145, 2 ** 31, 2 ** 32 - 1]

/** Half of the changes are to the fields of one header. */
const mutate: Mutate = (bytes, random, others) => {
  if (random.oneIn(2)) return mutateYamux(bytes, random, others)
  const headers: number[] = []
  for (let at = 0; at + 12 <= bytes.length; ) {
    headers.push(at)
    at += 12 + (bytes[at + 1] === 0 ? Buffer.from(bytes.buffer, bytes.byteOffset + at, 12).readUInt32BE(8) : 0)
  }
  if (headers.length === 0) return mutateYamux(bytes, random, others)
  const changed = frame(random.below(5), random.below(32), random.below(8), random.pick(lengths))
  const at = random.pick(headers)
  const field = random.pick([
    [1, 1],
    [2, 2],
    [4, 4],
    [8, 4]
  ] as const)
  return put(bytes, at + field[0], field[1], changed.subarray(field[0], field[0] + field[1]))
}

function run(chunks: Iterable<Uint8Array>, pauses: boolean) {
  const { yamux, owner } = session('listener', limits)
  const handlers: RecordingHandler[] = []
  owner.accept = (stream) => {
    const handler = new RecordingHandler()
    handlers.push(handler)
    stream.handler = handler
    if (pauses) stream.pause()
  }
  const ours = new RecordingHandler()
  yamux.open(ours)
  owner.taken()
  let received = 0
  let written = 0
  const answers: Buffer[] = []
  const problem = reasonOf(YamuxError, () => {
    for (const chunk of chunks) {
      received += chunk.length
      try {
        yamux.receive(chunk)
      } finally {
        answers.push(owner.taken())
        written += answers.at(-1)?.length ?? 0
        chunk.fill(0xaa)
      }
      promise(written <= received, `${written} bytes were written for ${received}`)
      promise(yamux.unreadBytes <= limits.maxUnreadBytes, `${yamux.unreadBytes} bytes wait`)
      promise(yamux.streamCount <= limits.maxInboundStreams + 1, `${yamux.streamCount} streams`)
    }
  })
  const open = yamux.streamCount
  yamux.close('')
  promise(yamux.streamCount + yamux.unreadBytes + yamux.unsentBytes === 0, 'something is left after close()')
  promise(owner.closed.length === owner.opened.length + 1, 'a stream was not closed, or twice')
  for (const { events } of [...handlers, ours])
    promise(events.filter((event) => event === 'close').length === 1, 'close')
  const texts = [...handlers, ours].map(({ text }) => text)
  // windows are told when enough was read, which the pieces decide
  return {
    problem,
    open,
    texts: pauses ? '' : texts,
    goAways: owner.goAways,
    ...(problem === '' ? { pongs: owner.pongs } : {})
  }
}

function check(input: Uint8Array): void {
  const pauses = Random.of(input).oneIn(3)
  const [inPieces, whole] = [run(pieces(input), pauses), run([Uint8Array.from(input)], pauses)]
  // what is counted as unread is memory, which doubles at other moments for other pieces
  if (inPieces.problem === 'unread-limit' || whole.problem === 'unread-limit') return
  promiseEqual(inPieces, whole, 'a session fed with pieces')
}

export function yamuxTargets(): Target[] {
  return [{ name: 'yamux session', weight: 8, seeds: corpus('yamux'), mutate, check }]
}
