/**
 * Every error the node raises by itself: a code for programs, the facts for logs, and words that say what happened and
 * what to do about it. Facts are logged, so they never hold key material.
 */
interface Facts {
  ERR_PORT_TAKEN: { address: string; port: number }
  ERR_LISTEN: { address: string; port: number; reason: string }
  ERR_PASSED_SOCKET: { fd: number; name: string; what: string }
  ERR_PASSED_TO_STOCK: Record<string, never>
  ERR_PROFILES_LISTEN: { address: string; port: number }
  ERR_ADMIN_LISTEN: { address: string; port: number }
  ERR_START_ABORTED: Record<string, never>
  ERR_CONNECTION_LIMIT: { limit: number }
  ERR_NOT_CONNECTED: { peer: string }
  ERR_EVICTED: { reason: string }
  ERR_DATA_DIR_IN_USE: { path: string; pid: number | undefined }
  ERR_IDENTITY_UNUSABLE: { path: string; problem: string }
  ERR_IDENTITY_NOT_SAVED: { path: string; reason: string }
  ERR_CLOSE: { step: string }
  ERR_CLOSE_DEADLINE: { step: string; deadlineMs: number }
}

/** A code without words does not compile. */
const words: { [C in keyof Facts]: (facts: Facts[C]) => readonly [what: string, advice: string] } = {
  ERR_PORT_TAKEN: ({ address, port }) => [
    `port ${port} is already in use on ${address}`,
    'stop the other process or choose another port with --port or BOOTSTRAP_PORT'
  ],
  ERR_LISTEN: ({ address, port, reason }) => [
    `cannot listen on ${address} port ${port} (${reason})`,
    'check LISTEN_ADDRESS and BOOTSTRAP_PORT'
  ],
  ERR_PASSED_SOCKET: ({ fd, name, what }) => [
    `the socket that was passed to this process (descriptor ${fd}, ${name}) ${what}`,
    'let ListenStream= of the systemd socket name the addresses of LISTEN_ADDRESS with BOOTSTRAP_PORT'
  ],
  ERR_PASSED_TO_STOCK: () => [
    'CONNECTION_STACK=stock cannot take over a socket that was passed to this process',
    'leave CONNECTION_STACK at lean, or start the node without socket activation'
  ],
  ERR_PROFILES_LISTEN: ({ address, port }) => [
    `the profiling server cannot listen on ${address} port ${port}`,
    'the node runs on without it; check PPROF_PORT and PPROF_ADDRESS'
  ],
  ERR_ADMIN_LISTEN: ({ address, port }) => [
    `the admin server cannot listen on ${address} port ${port}`,
    'the node runs on without it; check ADMIN_PORT and ADMIN_ADDRESS, or set ADMIN_PORT=0'
  ],
  ERR_START_ABORTED: () => ['the start was interrupted', 'what had been started was stopped again'],
  ERR_CONNECTION_LIMIT: ({ limit }) => [
    `all ${limit} connections are in use by peers that are protected or have just come`,
    'raise CONN_MANAGER_HIGH_WATER, or lower CONN_MANAGER_GRACE_PERIOD'
  ],
  ERR_NOT_CONNECTED: ({ peer }) => [`${peer} is not connected`, 'the DHT dials nobody; see that it connects first'],
  ERR_EVICTED: ({ reason }) => [`the connection was closed to make room (${reason})`, 'the peer may dial again'],
  ERR_DATA_DIR_IN_USE: ({ path, pid }) => [
    `DATA_DIR ${path} is in use by another process${pid === undefined ? '' : ` (pid ${pid})`}`,
    'stop that one or give each node a DATA_DIR of its own'
  ],
  ERR_IDENTITY_UNUSABLE: ({ path, problem }) => [
    `the identity in ${path} cannot be used (${problem})`,
    'restore the file or its rights, or set PRIVATE_KEY; only when the key is lost for good move the file away: the node then gets a new identity, under which no client knows it'
  ],
  ERR_IDENTITY_NOT_SAVED: ({ path, reason }) => [
    `the new identity cannot be saved in ${path} (${reason})`,
    'make DATA_DIR writable, or set PRIVATE_KEY'
  ],
  ERR_CLOSE: ({ step }) => [`${step} did not close`, 'see the cause; the other steps were closed'],
  ERR_CLOSE_DEADLINE: ({ step, deadlineMs }) => [
    `${step} did not close within ${deadlineMs} ms`,
    'it was abandoned; the other steps were closed'
  ]
}

export type ErrorCode = keyof Facts

export class BootstrapError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'BootstrapError'

  constructor(
    readonly code: C,
    readonly facts: Facts[C],
    options?: ErrorOptions
  ) {
    super(words[code](facts).join(': '), options)
  }
}

/** With the system's own code for what went wrong, if there is one below. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = (error.cause ?? {}) as NodeJS.ErrnoException
  return typeof code === 'string' ? `${error.message} (${code})` : error.message
}
