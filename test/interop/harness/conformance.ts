import { execFile } from 'node:child_process'
import { goBinaries } from './go.ts'
import type { Target } from './target.ts'

/** Real clients offer both and prefer TLS; a case is run with each alone, so that neither hides behind the other. */
export const securities = ['tls', 'noise'] as const
export type Security = (typeof securities)[number]

/** What a client may offer, the preferred one first. */
export const offers = [...securities, 'tls,noise', 'noise,tls'] as const
export type Offer = (typeof offers)[number]

export type Facts = Readonly<Record<string, unknown>>

const CASE_MS = 150_000

/** Runs one case of test/interop/go/conformance against the target; what it found, or its reason to fail. */
export async function conformance(
  name: string,
  target: Target,
  offer: Offer,
  flags: readonly string[] = []
): Promise<Facts> {
  const { conformance: command } = await goBinaries()
  const words = [...(target.clientsWithin ?? []), command, name, '-addr', target.addr, '-sec', offer, ...flags]
  const [program = command, ...args] = words
  const { code, stdout, stderr } = await execute(program, args)
  if (code === 0) {
    return parseFacts(stdout)
  }
  const reason = code === 1 ? String(parseFacts(stdout).reason) : `exit ${code}`
  const log = target.daemon === undefined ? '' : `\nthe node's last lines:\n${target.daemon.tail()}`
  throw new Error(`${name} over ${offer}: ${reason}\n${stdout}${stderr}${log}`)
}

/** A line of JSON as the cases print it. */
export function parseFacts(stdout: string): Facts {
  const facts: unknown = JSON.parse(stdout)
  if (typeof facts !== 'object' || facts === null) {
    throw new Error(`no facts: ${stdout}`)
  }
  return { ...facts }
}

interface Outcome {
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

function execute(command: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: CASE_MS, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      const code = error === null ? 0 : (error.code ?? error.signal ?? 'unknown')
      resolve({ code, stdout, stderr })
    })
  })
}
