import { setImmediate as nextTurn } from 'node:timers/promises'

/** Looked at in a turn of the event loop: some 0.2 ms. */
const perTurn = 2_000

export interface Top<T> {
  /** The heaviest, the heaviest first. */
  readonly top: readonly T[]
  /** Weight of all others. */
  readonly others: number
}

/**
 * The heaviest of many, a part of them in each turn of the event loop, so that no peer waits for it. What comes or goes
 * meanwhile may be missed.
 */
export async function topOf<T>(items: Iterable<T>, count: number, weightOf: (item: T) => number): Promise<Top<T>> {
  let top: T[] = []
  let weight = 0
  let lightest = 0
  let looked = 0
  for (const item of items) {
    const own = weightOf(item)
    weight += own
    if (own > lightest) top.push(item)
    // sorted now and then only: all pass at first
    if (top.length >= 4 * count) {
      top = heaviest(top, count, weightOf)
      lightest = weightOf(top.at(-1) ?? item)
    }
    if (++looked % perTurn === 0) await nextTurn()
  }
  top = heaviest(top, count, weightOf)
  return {
    top,
    others: Math.max(
      0,
      top.reduce((rest, item) => rest - weightOf(item), weight)
    )
  }
}

function heaviest<T>(items: readonly T[], count: number, weightOf: (item: T) => number): T[] {
  return items.toSorted((a, b) => weightOf(b) - weightOf(a)).slice(0, count)
}
