import { freePort } from '../../test/support/port.ts'
import { measureMemory, startOurNode } from '../node.ts'
import { goVariant, type Server } from '../variants.ts'
import { deployedAllocator } from './allocator.ts'

/** A server under attack. */
export interface Subject extends Server {
  /** host:port of its admin HTTP, if it has one. */
  readonly admin: string | undefined
  /** Lets go of what it does not need any more, where it can be told to. */
  collect(): Promise<void>
}

export const subjectNames = ['ours', 'go'] as const
export type SubjectName = (typeof subjectNames)[number]

/**
 * Starts a server with the settings of a public node, ours with the image's malloc where this machine has it. Ours is told to treat addresses of loopback like all others, since
 * the attackers and their victims have no others.
 */
export async function startSubject(name: SubjectName, env: Record<string, string> = {}): Promise<Subject> {
  if (name === 'go') {
    const server = await (await goVariant()).start({})
    return { ...server, admin: undefined, collect: async () => {} }
  }
  const adminPort = await freePort()
  const { daemon, addr, listeningMs } = await startOurNode({
    hasProbe: true,
    env: { ADMIN_PORT: String(adminPort), LIMIT_EXEMPT_NETWORKS: 'none', ...deployedAllocator(), ...env }
  })
  const { pid } = daemon.process
  if (pid === undefined) throw new Error('the node did not start')
  return {
    daemon,
    addr,
    pid,
    listeningMs,
    admin: `127.0.0.1:${adminPort}`,
    collect: async () => void (await measureMemory(daemon))
  }
}
