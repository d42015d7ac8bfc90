import type { IncomingHttpHeaders } from 'node:http'
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

/**
 * Whether a page of another site, or of another port of this one, has the browser ask: an image needs no right to read the
 * answer, and a profile costs the node whoever reads it. Browsers say so to loopback and over HTTPS alone; who asks without a
 * browser does not say it.
 *
 * @see https://www.w3.org/TR/fetch-metadata/
 */
export function isOfOtherSite({ 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}

/** Whether the answer takes the whole window, and the asking page is gone. */
export function isLinkFollowed({ 'sec-fetch-mode': mode, 'sec-fetch-dest': into }: IncomingHttpHeaders): boolean {
  return mode === 'navigate' && into === 'document'
}
