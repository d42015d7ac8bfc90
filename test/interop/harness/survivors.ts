import * as z from 'zod'
import { conformance, type Offer } from './conformance.ts'
import { type Standing, stand } from './standing.ts'
import type { Target } from './target.ts'

/** What one client of go/conformance/restart.go has seen; times in Unix ms, 0 for never. */
const survivor = z.object({
  connected: z.number(),
  disconnected: z.number(),
  back: z.number(),
  in_table: z.boolean(),
  served: z.number(),
  polls: z.number(),
  failed: z.number()
})
export type Survivor = z.infer<typeof survivor>
const providers = z.record(z.string(), z.array(z.string()))

/** Clients that search once a second, whatever becomes of the node. */
export class Survivors {
  readonly #standing: Standing
  /** Peer ids, by the rendezvous that they provide. */
  readonly providers: ReadonlyMap<string, readonly string[]>

  private constructor(standing: Standing) {
    this.#standing = standing
    this.providers = new Map(Object.entries(providers.parse(standing.facts.providers)))
  }

  static async join(target: Target, clients: number, offer: Offer = 'tls,noise'): Promise<Survivors> {
    // Go's search stops at 100 providers
    const keys = Math.max(4, Math.ceil(clients / 50))
    const flags = ['-clients', String(clients), '-batch', '20', '-rendezvous', 'survivors', '-keys', String(keys)]
    return new Survivors(await stand('restart', target, offer, [...flags, '-timeout', '10m']))
  }

  /** Ends them. */
  async finish(): Promise<Survivor[]> {
    return z.array(survivor).parse((await this.#standing.finish()).clients)
  }

  kill(): Promise<void> {
    return this.#standing.kill()
  }
}

/** Who a client that has just come finds with addresses at a rendezvous. */
export async function found(target: Target, rendezvous: string): Promise<string[]> {
  const facts = await conformance('find', target, 'tls,noise', ['-rendezvous', rendezvous])
  const peers = z.record(z.string(), z.number()).parse(facts.found)
  return Object.keys(peers).filter((id) => (peers[id] ?? 0) > 0)
}

/** In the words of the report: how many have the node, when the last of them was served again, what it cost. */
export function figures(survivors: readonly Survivor[], sinceMs: number) {
  const after = (time: (one: Survivor) => number) => Math.max(0, ...survivors.map((one) => time(one) - sinceMs))
  return {
    clients: survivors.length,
    lost: survivors.filter(({ in_table }) => !in_table).length,
    leftTheTable: survivors.filter(({ in_table, back }) => !in_table || back >= sinceMs).length,
    inTablesAfterMs: after(({ back }) => back),
    connectedAfterMs: after(({ connected }) => connected),
    servedAfterMs: after(({ served }) => served),
    pollsFailed: survivors.reduce((sum, { failed }) => sum + failed, 0),
    polls: survivors.reduce((sum, { polls }) => sum + polls, 0)
  }
}
