import { ConfigError } from '../config/index.ts'
import type { PassedSocket } from '../connection/lean/ports.ts'

/** sd_listen_fds(3): descriptors 0 to 2 are the standard streams. */
const firstFd = 3

/** More than anybody listens on; a number beyond it is a mistake. */
const maxSockets = 64

/**
 * The sockets that systemd, or a launcher like it, has opened for this process: sd_listen_fds(3). None where the
 * variables are absent, or meant for another process.
 *
 * @throws ConfigError when their number cannot be read
 */
export function passedSockets(environment: NodeJS.ProcessEnv, pid: number): PassedSocket[] {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES = '' } = environment
  if (LISTEN_PID === undefined || LISTEN_FDS === undefined || LISTEN_PID !== String(pid)) return []
  const count = /^\d{1,4}$/.test(LISTEN_FDS) ? Number(LISTEN_FDS) : Number.NaN
  if (!(count <= maxSockets)) {
    const problem = `it is no number of sockets from 0 to ${maxSockets}`
    throw new ConfigError([{ subject: 'LISTEN_FDS', value: LISTEN_FDS, problem }])
  }
  const names = LISTEN_FDNAMES.split(':')
  return Array.from({ length: count }, (_, i) => ({ fd: firstFd + i, name: names[i] || 'unnamed' }))
}

/** So that no child of this process takes them for its own. */
export function forgetPassedSockets(environment: NodeJS.ProcessEnv): void {
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete environment[name]
}
