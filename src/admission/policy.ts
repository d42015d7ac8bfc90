import type { ConnectionIndex } from './connection-index.ts'
import type { Candidates, Entry, Prefix } from './entries.ts'

/**
 * A peer that has asked nothing for so long is silent. Clients of the network look at least every 30 s while they search and
 * renew their records every 5 min at the latest when they provide.
 */
export const silentAfterMs = 10 * 60_000

/** Up to so many candidates a prefix is a normal data centre and nobody's first victim. */
export const normalCrowd = 16

/** An exempt prefix with more than this share of all connections is not a crowd but the way in. */
const gatewayShare = 0.9

/**
 * Which connection is closed first, of those that are neither protected nor within their grace period:
 *
 * 1. of the most crowded address prefix, if it is a crowd (more than {@link normalCrowd}) and no gateway;
 * 2. silent before active;
 * 3. without provider records before with;
 * 4. longest idle first.
 *
 * Looks at two connections, whatever their number. The caller has let the young mature.
 */
export function worst(index: ConnectionIndex, nowMs: number): Entry | undefined {
  const crowd = index.mostCrowded
  const isCrowd = crowd !== undefined && crowd.size > normalCrowd && !isGateway(crowd, index)
  return worstOf(isCrowd ? crowd : index.candidates, nowMs)
}

/** Of a group of candidates: rules 2 to 4 of {@link worst}. */
export function worstOf({ withoutRecords, withRecords }: Candidates, nowMs: number): Entry | undefined {
  const plain = withoutRecords.first
  const provider = withRecords.first
  const isSilent = (entry: Entry | undefined) => entry !== undefined && nowMs - entry.lastActiveMs >= silentAfterMs
  if (isSilent(plain)) return plain
  if (isSilent(provider)) return provider
  return plain ?? provider
}

/**
 * Whether a prefix hides everybody: the bridge of a container engine or a NAT in front of this node makes all peers come from
 * one address. A private, shared or loopback address can only be one. A public one is when the operator has exempted it from
 * the limits and nearly all come from it: else whoever brings ten times as many as all others would pass for one, and the
 * others would be closed for it.
 */
export function isGateway(prefix: Prefix, index: ConnectionIndex): boolean {
  if (/^(10|127|192\.168|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])|169\.254)\./.test(prefix.name))
    return true
  if (/^(0:0:0:|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:)/.test(prefix.name)) return true
  return prefix.connections - prefix.limited > index.connections * gatewayShare
}

export interface Marks {
  readonly lowWater: number
  readonly highWater: number
}

/** Trimming takes this long from high to low water, however many connections lie between. */
const trimSeconds = 30

/**
 * How many connections to close in this second. Above high water trimming starts and goes on down to low water, but paced: who
 * is closed dials again at once, and thirty thousand at one blow would be back as one burst.
 */
export function trimNow(connections: number, marks: Marks, trimming: boolean): { close: number; trimming: boolean } {
  const { lowWater, highWater } = marks
  if (connections <= lowWater) return { close: 0, trimming: false }
  if (!trimming && connections <= highWater) return { close: 0, trimming: false }
  const aSecond = Math.max(1, Math.ceil((highWater - lowWater) / trimSeconds))
  const above = connections - highWater
  // what is above high water goes within a few seconds, the rest gently
  const close = Math.max(aSecond, Math.ceil(above / 5))
  return { close: Math.min(close, connections - lowWater), trimming: true }
}
