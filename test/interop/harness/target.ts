import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type HeldSocket, passing } from '../../support/passed-socket.ts'
import { Daemon } from './daemon.ts'
import { goBinaries } from './go.ts'
import { privateKeyOf } from './identity.ts'

const READY_MS = 30_000
const mainFile = fileURLToPath(new URL('../../../dist/main.js', import.meta.url))

/** ours: the built daemon; baseline: the Go node of test/interop/go; given: whatever answers at INTEROP_ADDR. */
export type TargetKind = 'ours' | 'baseline' | 'given'

export interface Target {
  readonly kind: TargetKind
  /** with /p2p/<id> */
  readonly addr: string
  /** absent for a node that somebody else runs */
  readonly daemon?: Daemon
  /** The command that starts a client where it reaches the node, such as `ip netns exec NAME`; default: none is needed. */
  readonly clientsWithin?: readonly string[]
  stop(): Promise<number | null>
}

export const targetKind: TargetKind = kindFromEnvironment()
export const notOurs = 'the node of INTEROP_ADDR is run by somebody else: its settings and its end cannot be tested'

/** Where a node is to be found again after a restart. */
export interface Place {
  readonly port: number
  /** The text of which its identity is made. */
  readonly identity: string
  /** Bound to the port, and passed to the node as systemd does; ours only. */
  readonly socket?: HeldSocket
  /** Its IPv4 address; default: 127.0.0.1. */
  readonly listen?: string
  /** The command that starts the node, and becomes it by exec; default: none. */
  readonly within?: readonly string[]
  readonly clientsWithin?: readonly string[]
  /** Flags of Node; ours only. */
  readonly nodeFlags?: readonly string[]
}

/** The node under test, on 127.0.0.1, ready to be dialed; without a place on a free port and with a new identity. */
export async function startTarget(
  env: Record<string, string> = {},
  place?: Place,
  kind: TargetKind = targetKind
): Promise<Target> {
  switch (kind) {
    case 'given':
      return { kind: 'given', addr: process.env.INTEROP_ADDR ?? '', stop: async () => null }
    case 'baseline':
      return ready(
        await startBaseline(env, place),
        async (daemon) => (await daemon.line(/^LISTEN (\S+)$/, READY_MS))[1],
        kind,
        place
      )
    case 'ours':
      return startOurs(env, place)
  }
}

function kindFromEnvironment(): TargetKind {
  const { INTEROP_ADDR: addr, INTEROP_TARGET: target } = process.env
  if (addr !== undefined && addr !== '') {
    return 'given'
  }
  if (target === undefined || target === '' || target === 'ours') {
    return 'ours'
  }
  if (target === 'baseline') {
    return 'baseline'
  }
  throw new Error(`INTEROP_TARGET=${target}: ours (the default) or baseline; another node is named by INTEROP_ADDR`)
}

async function startBaseline(env: Record<string, string>, place: Place | undefined): Promise<Daemon> {
  const { baseline } = await goBinaries()
  const args = ['--port', String(place?.port ?? (await freePort())), '--key-seed', place?.identity ?? '']
  const listen = ['--listen', place?.listen ?? '127.0.0.1']
  const [command = baseline, ...rest] = [...(place?.within ?? []), baseline, ...args, ...listen]
  return Daemon.start(command, rest, { LOG_PEERS: '1', ...env })
}

async function startOurs(env: Record<string, string>, place: Place | undefined): Promise<Target> {
  if (!existsSync(mainFile)) {
    throw new Error('dist/main.js is missing: run `npm run build` first')
  }
  const port = place?.port ?? (await freePort())
  const listen = place?.listen ?? '127.0.0.1'
  const node = [process.execPath, ...(place?.nodeFlags ?? []), mainFile, '--port', String(port)]
  const [command = process.execPath, ...args] = [...(place?.within ?? []), ...node]
  const launch = passing(place?.socket === undefined ? [] : [place.socket.fd], {
    command,
    args,
    env: {
      LISTEN_ADDRESS: listen,
      ADMIN_PORT: '0',
      LOG_LEVEL: 'debug',
      ...(place === undefined ? {} : { PRIVATE_KEY: privateKeyOf(place.identity) }),
      ...env
    }
  })
  const daemon = await Daemon.start(launch.command, launch.args, launch.env, launch.fds)
  const address = async () => {
    const [, id] = await daemon.line(/Libp2p host created with ID: (\w+), listening on:/, READY_MS)
    await daemon.line(new RegExp(`Bootstrap node started\\. ID: ${id}`), READY_MS)
    return `/ip4/${listen}/tcp/${port}/p2p/${id}`
  }
  return ready(daemon, address, 'ours', place)
}

async function ready(
  daemon: Daemon,
  address: (daemon: Daemon) => Promise<string | undefined>,
  kind: TargetKind,
  place: Place | undefined
): Promise<Target> {
  try {
    const addr = (await address(daemon)) ?? ''
    return { kind, addr, daemon, clientsWithin: place?.clientsWithin ?? [], stop: () => daemon.stop() }
  } catch (error) {
    await daemon.stop()
    throw error
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}
