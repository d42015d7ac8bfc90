import { isIP, isIPv4 } from 'node:net'

/** An answer other than 200: the status and one line that says what to do instead. */
export class HttpError extends Error {
  override readonly name = 'HttpError'

  constructor(
    readonly status: number,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {}
  ) {
    super(message)
  }
}

/** Whether a host name or address (no port, IPv6 without brackets) can only mean this machine. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '')
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1') return true
  const v4 = name.startsWith('::ffff:') ? name.slice('::ffff:'.length) : name
  return isIPv4(v4) && v4.startsWith('127.')
}

/**
 * Whether a web page cannot have called by this name: a page of any site can point a name of its own at an address that only
 * this machine or its network reaches, but not at `localhost`, a bare address or a name without a dot.
 */
export function isSafeHost(host: string, isLocal: boolean): boolean {
  return isLoopback(host) || (!isLocal && (isIP(host) !== 0 || /^[\w-]+$/.test(host)))
}

/** The host of a Host header, without port and brackets. */
export function hostOf(header: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(header)
  return bracketed?.[1] ?? header.replace(/:\d+$/, '')
}
