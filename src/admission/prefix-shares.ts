import type { PrefixLimits } from '../config/index.ts'
import { normalCrowd } from './policy.ts'

/** Connections of an address and of a network; 0: any number. */
export interface Shares {
  readonly perAddress: number
  readonly perNetwork: number
}

/** What `auto` is at most, at 54 KB over TLS and 10 over Noise: who has one place does not have the memory of all. */
export const mostByDefault: Shares = { perAddress: 1_000, perNetwork: 2_000 }

/** What `auto` is at least, as shares of the cap: more than five networks are needed to fill the node. */
const leastShare: Shares = { perAddress: 0.1, perNetwork: 0.2 }

/**
 * How many connections an address and a network may have now. What the operator has set holds. `auto` is as many as there are
 * places left, and a tenth or a fifth of the cap when there are not: thousands may honestly be behind one address, and take
 * from nobody while there is room, but nobody fills the node from one place (the dynamic thresholds of shared buffers, Choudhury
 * and Hahne 1998). One address alone stops at half of the cap at most.
 *
 * @param connections that are open, of all
 * @param cap connections that may be
 */
export function sharesOf(limits: PrefixLimits, connections: number, cap: number): Shares {
  const auto = (kind: keyof Shares) =>
    Math.min(mostByDefault[kind], Math.max(normalCrowd, Math.ceil(cap * leastShare[kind]), cap - connections))
  const { maxPerAddress, maxPerNetwork } = limits
  return {
    perAddress: maxPerAddress === 'auto' ? auto('perAddress') : maxPerAddress,
    perNetwork: maxPerNetwork === 'auto' ? auto('perNetwork') : maxPerNetwork
  }
}
