interface RawHandle {
  readonly fd: number
  bind(address: string, port: number): number
  bind6(address: string, port: number, flags: number): number
  getsockname(out: { port?: number }): number
  close(): void
}

interface TcpBinding {
  readonly TCP: new (type: number) => RawHandle
  readonly constants: { readonly SERVER: number; readonly UV_TCP_IPV6ONLY: number }
}

/**
 * A TCP socket that is bound and that this process never accepts from, as systemd holds one. net.Server accepts from
 * whatever it listens on, so this asks Node's binding below it.
 */
export class HeldSocket {
  readonly #handle: RawHandle
  readonly port: number

  constructor(address = '127.0.0.1', port = 0) {
    const { binding } = process as unknown as { binding(name: 'tcp_wrap'): TcpBinding }
    const { TCP, constants } = binding.call(process, 'tcp_wrap')
    this.#handle = new TCP(constants.SERVER)
    const code = address.includes(':')
      ? this.#handle.bind6(address, port, constants.UV_TCP_IPV6ONLY)
      : this.#handle.bind(address, port)
    if (code !== 0) throw new Error(`cannot bind ${address} port ${port}: ${code}`)
    const bound: { port?: number } = {}
    this.#handle.getsockname(bound)
    this.port = bound.port ?? 0
  }

  get fd(): number {
    return this.#handle.fd
  }

  close(): void {
    this.#handle.close()
  }
}

export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** The same process as systemd starts it: with these sockets from descriptor 3 on, and told so. */
export function passing(fds: readonly number[], { command, args, env }: Launch): Launch & { fds: readonly number[] } {
  if (fds.length === 0) return { command, args, env, fds }
  return {
    command: '/bin/sh',
    // LISTEN_PID is the process that exec leaves, and only the shell knows it
    args: ['-c', 'LISTEN_PID=$$ exec "$0" "$@"', command, ...args],
    env: { ...env, LISTEN_FDS: String(fds.length), LISTEN_FDNAMES: fds.map((_, i) => `socket${i}`).join(':') },
    fds
  }
}
