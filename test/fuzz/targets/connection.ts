import { pingEcho, pingProtocol } from '../../../src/connection/ping.ts'
import { LeanBench } from '../../connection/lean/bench.ts'
import { phases } from '../../connection/lean/phases.ts'
import {
  greeting,
  lines,
  noiseClient,
  type RawClient,
  yamuxClient,
  yamuxName
} from '../../connection/lean/raw-client.ts'
import { dataFrame, frame, SYN, WINDOW_UPDATE } from '../../connection/yamux/support.ts'
import { mutateBytes } from '../mutate/bytes.ts'
import { mutateYamux } from '../mutate/formats.ts'
import { bytesOfText, corpus, pieces, promise, type Target } from '../target.ts'

/** All that a peer's bytes can be counted under; a defect is none of it. */
const reasons = new Set([
  ...['peer-left', 'socket', 'tls', 'certificate', 'closed', 'deadline'],
  ...['line-too-long', 'not-a-line', 'no-multistream', 'too-many-proposals', 'not-supported'],
  ...['bad-message', 'bad-key', 'bad-identity', 'bad-signature', 'bad-record', 'unread-limit'],
  ...['version', 'type', 'flags', 'stream-id', 'duplicate-stream', 'window-exceeded', 'window-overflow', 'reset-budget']
])
const waitMs = 5_000

/** Where a client can stop being honest: the phases of a handshake, and within Noise before the muxer and after. */
const ways: readonly ((bench: LeanBench, rest: Uint8Array) => Promise<RawClient>)[] = [
  ...Object.values(phases).map((go) => async (bench: LeanBench, rest: Uint8Array) => send(await go(bench), rest)),
  ...[[], [yamuxName]].map((muxers) => async ({ port }: LeanBench, rest: Uint8Array) => {
    const { raw, send } = await noiseClient(port, { muxers })
    for (const piece of pieces(rest)) send(piece)
    return raw
  })
]

function send(raw: RawClient, bytes: Uint8Array): RawClient {
  for (const piece of pieces(bytes)) raw.send(piece)
  return raw
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const endMs = performance.now() + waitMs
  while (!holds()) {
    promise(performance.now() < endMs, what)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/**
 * The whole inbound connection over a real socket. The first byte of an input says how far the client goes before the rest of
 * the input comes. Whatever it is, it alone is closed, for a reason that is counted, and another client is still answered.
 */
export async function connectionTarget(): Promise<Target> {
  const bench = await LeanBench.start()
  bench.protocols.set(pingProtocol, pingEcho)
  bench.registrar.handle('/a', () => {})
  const witness = await yamuxClient(bench.port)
  const left = () =>
    [bench.listener.handshaking, bench.router.pending, bench.opened.length - bench.closed.length].join()
  await until(() => left() === '0,0,1', 'the witness has not come')

  const check = async (input: Uint8Array) => {
    const way = ways[(input[0] ?? 0) % ways.length]
    if (way === undefined) return
    const raw = await way(bench, input.subarray(1))
    raw.socket.end()
    await until(() => raw.socket.closed, 'the connection stays open')
    await until(() => left() === '0,0,1', `something is left: ${left()}`)
    bench.opened.splice(1)
    bench.closed.splice(0)
    const before = witness.owner.pongs
    witness.session.ping()
    await until(() => witness.owner.pongs === before + 1, 'the other client is not answered')
    const counted = [...Object.keys(bench.failures.snapshot()), ...Object.keys(bench.endings.snapshot())]
    const unknown = counted.filter((reason) => !reasons.has(reason))
    promise(unknown.length === 0, `ended for ${unknown}`)
    promise(bench.admission.finished === bench.admission.accepted, 'admission was not told of an end')
    promise(bench.errors.length === 0, bench.errors.splice(0).join())
  }
  const opening = (id: number, name: string) => [frame(WINDOW_UPDATE, SYN, id, 0), dataFrame(id, lines(greeting, name))]
  const frames = [1, 3, 5].flatMap((id) => opening(id, [pingProtocol, '/a', '/none'][id % 3] ?? ''))
  const bodies = [bytesOfText('x'), lines(greeting, '/noise'), Buffer.concat(frames), ...corpus('yamux').slice(0, 3)]
  const seeds = ways.flatMap((_way, at) => bodies.map((body) => Buffer.concat([Uint8Array.of(at), body])))
  return {
    name: 'lean connection',
    weight: 0.2,
    seeds,
    mutate: (bytes, random, others) => {
      const rest = bytes.subarray(1, 20_000)
      const bodies = others.map((other) => other.subarray(1))
      const mutated = random.oneIn(2) ? mutateBytes(rest, random, bodies) : mutateYamux(rest, random, bodies)
      return Buffer.concat([Uint8Array.of(random.below(ways.length)), mutated.subarray(0, 20_000)])
    },
    check,
    close: async () => {
      witness.raw.socket.destroy()
      await bench.listener.close()
    }
  }
}
