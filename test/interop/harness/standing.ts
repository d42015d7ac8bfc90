import { type Facts, type Offer, parseFacts } from './conformance.ts'
import { Daemon } from './daemon.ts'
import { goBinaries } from './go.ts'
import type { Target } from './target.ts'

const READY_MS = 60_000

/** A case of test/interop/go/conformance that stays until it is told to end. */
export interface Standing {
  /** As they were when it was ready. */
  readonly facts: Facts
  /** Waits for a line of its progress, past or future. */
  line(pattern: RegExp, withinMs: number): Promise<RegExpExecArray>
  /** What it found once it has ended by itself; throws its reason to fail. */
  ended(): Promise<Facts>
  /** Tells it to end; the same. */
  finish(): Promise<Facts>
  /** Ends it as a crash does: the system closes its sockets. Nothing to do when it has ended. */
  kill(): Promise<void>
}

/** Starts a case that stays, and waits until it is ready. */
export async function stand(
  name: string,
  { addr, clientsWithin = [] }: Pick<Target, 'addr' | 'clientsWithin'>,
  offer: Offer,
  flags: readonly string[]
): Promise<Standing> {
  const { conformance: command } = await goBinaries()
  const words = [...clientsWithin, command, name, '-addr', addr, '-sec', offer, ...flags]
  const [program = command, ...args] = words
  const peer = await Daemon.start(program, args, {})
  try {
    const [line] = await peer.line(/^\{.*"ready":true.*\}$/, READY_MS)
    const outcome = (code: number | null) => {
      const last = peer.lines.findLast((text) => text.startsWith('{'))
      if (code !== 0 || last === undefined) {
        throw new Error(`${name} over ${offer}: exit ${code}\n${peer.tail()}`)
      }
      return parseFacts(last)
    }
    return {
      facts: parseFacts(line),
      line: (pattern, withinMs) => peer.line(pattern, withinMs),
      ended: async () => outcome(await peer.ended()),
      finish: async () => outcome(await peer.stop()),
      kill: () => peer.kill()
    }
  } catch (error) {
    await peer.kill()
    throw error
  }
}
